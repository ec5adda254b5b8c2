/* What lib/rbtree.c asks of the rest of a kernel, for a checker of C. */
#ifndef PEER_KERNEL_H
#define PEER_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#ifndef __always_inline
#define __always_inline inline
#endif

#define likely(truth) (truth)
#define unlikely(truth) (truth)
#define READ_ONCE(place) (place)
#define WRITE_ONCE(place, value) ((place) = (value))
#define rcu_assign_pointer(place, value) ((place) = (value))
#define EXPORT_SYMBOL(name)
#define container_of(inner, type, name) \
	((type *)((char *)(inner) - offsetof(type, name)))

#endif
