/* After NR insertions of any keys and one erasure of any item the tree is sound. */
#include "tree.h"

int main(void)
{
	unsigned int gone = nondet_number();

	__CPROVER_assume(gone < NR);
	put_all();
	rb_erase(&items[gone]->link, &tree);
	check(NR - 1);
	return 0;
}
