#pragma once

// How often this program has asked for memory: malloc and its kin, counted and passed on to the C library. Linked into
// the workbench and the tests only, where it shows that a training step allocates nothing.
unsigned long long allocations_count(void);
// The same of the calling thread alone.
unsigned long long allocations_count_here(void);
