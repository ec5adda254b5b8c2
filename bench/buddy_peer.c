/* SPDX-License-Identifier: Apache-2.0
 *
 * A buddy allocator as textbooks have it, to be measured against: one zone of pages,
 * a list of free blocks for each order, blocks that split and merge with their buddies.
 *
 * As in Linux, what is split off goes to the head of its list, and so does what is
 * freed, unless the buddy one order up is free: then it goes to the tail.
 */
#include <stdint.h>
#include <stdlib.h>

enum { ORDERS = 11, TOP = ORDERS - 1, NONE = -1, FREE = 32, HELD = 64 };

struct link {
	uint32_t next, prev;
};

struct zone {
	uint32_t pages;
	uint32_t nr_free[ORDERS];
	struct link *links; /* of pages, then the head of each order's ring */
	uint8_t *state;     /* of a block's first page: FREE or HELD with its order */
	int64_t *live;      /* pfn << 4 | order of what is handed out */
	size_t nr_live;
};

static void push(struct zone *z, uint32_t pfn, unsigned int order, int tail)
{
	uint32_t ring = z->pages + order;
	uint32_t prev = tail ? z->links[ring].prev : ring;
	uint32_t next = z->links[prev].next;

	z->links[pfn] = (struct link){ .next = next, .prev = prev };
	z->links[prev].next = pfn;
	z->links[next].prev = pfn;
	z->state[pfn] = FREE | order;
	z->nr_free[order]++;
}

static void pull(struct zone *z, uint32_t pfn, unsigned int order)
{
	struct link at = z->links[pfn];

	z->links[at.prev].next = at.next;
	z->links[at.next].prev = at.prev;
	z->state[pfn] = 0;
	z->nr_free[order]--;
}

static int is_free(const struct zone *z, uint32_t pfn, unsigned int order)
{
	return pfn < z->pages && z->state[pfn] == (FREE | order);
}

static void give(struct zone *z, uint32_t pfn, unsigned int order, int tail)
{
	while (order < TOP && is_free(z, pfn ^ (1u << order), order)) {
		pull(z, pfn ^ (1u << order), order);
		pfn &= ~(1u << order);
		order++;
	}
	if (order < TOP - 1) {
		uint32_t parent = pfn & ~(1u << order);

		tail |= is_free(z, parent ^ (2u << order), order + 1);
	}
	push(z, pfn, order, tail);
}

static int64_t take(struct zone *z, unsigned int order)
{
	for (unsigned int high = order; high < ORDERS; high++) {
		uint32_t pfn = z->links[z->pages + high].next;

		if (pfn >= z->pages)
			continue; /* the ring is empty */
		pull(z, pfn, high);
		while (high > order) {
			high--;
			push(z, pfn + (1u << high), high, 0);
		}
		z->state[pfn] = HELD | order;
		return pfn;
	}
	return NONE;
}

void zone_delete(struct zone *z)
{
	if (!z)
		return;
	free(z->links);
	free(z->state);
	free(z->live);
	free(z);
}

/* Return a zone whose pages are all free, none without memory for it. */
struct zone *zone_new(uint32_t pages)
{
	struct zone *z = calloc(1, sizeof(*z));

	if (!z)
		return NULL;
	z->pages = pages;
	z->links = calloc((size_t)pages + ORDERS, sizeof(*z->links));
	z->state = calloc(pages, sizeof(*z->state));
	z->live = calloc(pages, sizeof(*z->live));
	if (!z->links || !z->state || !z->live) {
		zone_delete(z);
		return NULL;
	}
	for (uint32_t ring = pages; ring < pages + ORDERS; ring++)
		z->links[ring] = (struct link){ .next = ring, .prev = ring };
	for (uint32_t pfn = 0; pfn < pages; pfn += 1u << TOP)
		give(z, pfn, TOP, 1);
	return z;
}

/*
 * Do each request: a negative one allocates a block of order ~request, any other frees
 * the live block of that number, whose place the last one takes.  Return how many were
 * done; a request that fails, or a block that is not held, ends the run.
 */
size_t zone_run(struct zone *z, const int32_t *requests, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (requests[i] < 0) {
			unsigned int order = ~requests[i];
			int64_t pfn = take(z, order);

			if (pfn == NONE)
				return i;
			z->live[z->nr_live++] = pfn << 4 | order;
		} else {
			int64_t block = z->live[requests[i]];
			unsigned int order = block & 15;
			uint32_t pfn = block >> 4;

			if (z->state[pfn] != (HELD | order))
				return i;
			z->state[pfn] = 0;
			z->live[requests[i]] = z->live[--z->nr_live];
			give(z, pfn, order, 0);
		}
	}
	return count;
}

uint32_t zone_nr_free(const struct zone *z, unsigned int order)
{
	return z->nr_free[order];
}

size_t zone_nr_live(const struct zone *z)
{
	return z->nr_live;
}

int64_t zone_live(const struct zone *z, size_t at)
{
	return z->live[at];
}
