// SPDX-License-Identifier: Apache-2.0
// A small pool of threads that runs one phase of independent tasks after another.
//
// Tasks are handed out in order to workers that are free; which thread runs a task must not matter to its result. (Not
// OpenMP: its runtime cannot be checked by ThreadSanitizer and ends the process when a thread cannot be made.)
#ifndef FOVEA_BASE_POOL_H
#define FOVEA_BASE_POOL_H

#include "base/error.h"

typedef struct fv__pool fv__pool;

// So many workers in all, the caller being one of them; 0: fv__cpu_threads.
fv_status fv__pool_create(int threads, fv__pool **out, fv_error *error);
void fv__pool_destroy(fv__pool *pool); // NULL is fine
int fv__pool_threads(const fv__pool *pool);

// Runs task(context, 0 … count-1, worker) and returns when all are done; worker is 0 … threads-1, unique among the
// tasks that run at one time. Denormals are flushed to zero while tasks run. Not to be called from inside a task.
void fv__pool_run(fv__pool *pool, int count, void (*task)(void *context, int index, int worker), void *context);

#endif
