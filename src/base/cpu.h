// SPDX-License-Identifier: Apache-2.0
// What this machine is: how many threads are worth starting, the processor's name, its instruction-set levels, and the
// denormal mode of a thread.
#ifndef FOVEA_BASE_CPU_H
#define FOVEA_BASE_CPU_H

#include <stdbool.h>

// True if the processor and the operating system can run code built for x86-64-v3 (AVX2, FMA) or -v4 (AVX-512).
bool fv__cpu_has_v3(void);
bool fv__cpu_has_v4(void);

// The default number of threads, at least 1: the processors this process may run on, but no more than its control
// group's quota (rounded up), nor than OMP_NUM_THREADS where that is a number.
int fv__cpu_threads(void);

// The processor's name for reports ("unknown processor" if the system does not say).
const char *fv__cpu_name(void);

// Denormal numbers cost a hundred cycles each and carry nothing for training. `enter` makes this thread treat them as
// zero and returns the mode to hand back to `leave`: a worker does so around its work, so that a host program's threads
// keep theirs. Does nothing where the processor has no such mode.
unsigned fv__cpu_enter_flush_denormals(void);
void fv__cpu_leave_flush_denormals(unsigned mode);

#endif
