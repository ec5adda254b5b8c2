/*
 * Items with keys in a red-black tree, and what a sound tree is.
 *
 * NR is the number of items.  Every key is any 32-bit number; equal ones are allowed,
 * the later goes to the right.
 */
#ifndef PEER_TREE_H
#define PEER_TREE_H

#include <linux/rbtree.h>

#ifndef NR
#define NR 3
#endif

struct item {
	struct rb_node link;
	unsigned int key;
};

/* Objects of their own: an array of them costs the checker many times as much. */
static struct item first, second, third, fourth, fifth;
static struct item *const items[] = { &first, &second, &third, &fourth, &fifth };
static struct rb_root tree;
static unsigned int seen;

unsigned int nondet_number(void);

static struct item *item_of(struct rb_node *link)
{
	return rb_entry(link, struct item, link);
}

static int is_black(const struct rb_node *link)
{
	return !link || (link->__rb_parent_color & 1);
}

static void put(struct item *item)
{
	struct rb_node **place = &tree.rb_node, *above = NULL;

	while (*place) {
		above = *place;
		if (item->key < item_of(above)->key)
			place = &above->rb_left;
		else
			place = &above->rb_right;
	}
	rb_link_node(&item->link, above, place);
	rb_insert_color(&item->link, &tree);
}

static void put_all(void)
{
	for (int i = 0; i < NR; i++) {
		items[i]->key = nondet_number();
		put(items[i]);
	}
}

/* Count the black nodes on every way down, after everything else was checked. */
static int height(struct rb_node *link, struct rb_node *above, unsigned int low,
		  unsigned int high)
{
	unsigned int key;
	int left, right;

	if (!link)
		return 0;
	seen++;
	key = item_of(link)->key;
	__CPROVER_assert(low <= key && key <= high, "keys are in order");
	__CPROVER_assert(rb_parent(link) == above, "a child links to its parent");
	__CPROVER_assert(is_black(link) || is_black(above),
			 "no red node has a red parent");
	left = height(link->rb_left, link, low, key);
	right = height(link->rb_right, link, key, high);
	__CPROVER_assert(left == right, "black nodes are even on both sides");
	return left + is_black(link);
}

static void check(unsigned int due)
{
	seen = 0;
	height(tree.rb_node, NULL, 0, ~0u);
	__CPROVER_assert(is_black(tree.rb_node), "the root is black");
	__CPROVER_assert(seen == due, "every item is in the tree once");
}

#endif
