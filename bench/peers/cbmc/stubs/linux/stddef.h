/* All of it is in one place. */
#include <linux/kernel.h>
