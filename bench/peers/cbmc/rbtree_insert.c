/* After NR insertions of any keys the tree is sound. */
#include "tree.h"

int main(void)
{
	put_all();
	check(NR);
	return 0;
}
