// SPDX-License-Identifier: Apache-2.0
#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"

// A waiting thread looks this often before it sleeps: phases follow each other within microseconds.
enum { SPINS = 2000 };

typedef struct worker {
    fv__pool *pool;
    int index;
    pthread_t thread;
} worker;

struct fv__pool {
    int threads, started;
    worker *workers; // [0] is the caller's
    pthread_mutex_t mutex;
    pthread_cond_t wake, idle;
    atomic_uint phase; // counts phases: a change wakes the workers
    atomic_int next;   // next task of the phase
    atomic_int busy;   // workers that have not finished the phase
    atomic_bool stop;
    int spins;
    int count;
    void (*task)(void *, int, int);
    void *context;
};

static void run_tasks(fv__pool *pool, int worker_index) {
    unsigned mode = fv__cpu_enter_flush_denormals();
    int index;
    while ((index = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed)) < pool->count) {
        pool->task(pool->context, index, worker_index);
    }
    fv__cpu_leave_flush_denormals(mode);
}

static void pause_briefly(void) {
#if defined __x86_64__ || defined __i386__
    __builtin_ia32_pause();
#endif
}

// Waits until the phase counter leaves `seen`; returns false when the pool ends.
static bool wait_for_phase(fv__pool *pool, unsigned seen) {
    for (int i = 0; i < pool->spins; i++) {
        if (atomic_load_explicit(&pool->phase, memory_order_acquire) != seen) {
            return !atomic_load(&pool->stop);
        }
        pause_briefly();
    }
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load_explicit(&pool->phase, memory_order_acquire) == seen) {
        pthread_cond_wait(&pool->wake, &pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
    return !atomic_load(&pool->stop);
}

static void *work(void *argument) {
    worker *self = argument;
    fv__pool *pool = self->pool;
    unsigned seen = 0;
    while (wait_for_phase(pool, seen)) {
        seen++;
        run_tasks(pool, self->index);
        if (atomic_fetch_sub_explicit(&pool->busy, 1, memory_order_acq_rel) == 1) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->idle);
            pthread_mutex_unlock(&pool->mutex);
        }
    }
    return NULL;
}

// Opens the next phase to the workers.
static void announce(fv__pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add_explicit(&pool->phase, 1, memory_order_release);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

fv_status fv__pool_create(int threads, fv__pool **out, fv_error *error) {
    *out = NULL;
    if (threads < 0) {
        return fv__fail(error, FV_INVALID, "threads: %d; at least 1 is needed, or 0 for as many as allowed", threads);
    }
    threads = threads ? threads : fv__cpu_threads();
    fv__pool *pool = fv__alloc(sizeof *pool);
    worker *workers = fv__alloc_array((size_t)threads, sizeof *workers);
    if (!pool || !workers) {
        fv__free(pool);
        fv__free(workers);
        return fv__fail_memory(error, "the thread pool");
    }
    pool->threads = threads;
    pool->workers = workers;
    pool->spins = threads <= fv__cpu_threads() ? SPINS : 0; // with more threads than processors, spinning steals time
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->idle, NULL);
    for (int i = 1; i < threads; i++) {
        workers[i] = (worker){.pool = pool, .index = i};
        int failure = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
        if (failure) {
            fv__pool_destroy(pool);
            return fv__fail(error, FV_MEMORY, "thread %d of %d could not be started (%s): ask for fewer with --threads",
                            i + 1, threads, strerror(failure));
        }
        pool->started++;
    }
    *out = pool;
    return FV_OK;
}

void fv__pool_destroy(fv__pool *pool) {
    if (!pool) {
        return;
    }
    atomic_store(&pool->stop, true);
    announce(pool);
    for (int i = 1; i <= pool->started; i++) {
        pthread_join(pool->workers[i].thread, NULL);
    }
    pthread_cond_destroy(&pool->idle);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    fv__free(pool->workers);
    fv__free(pool);
}

int fv__pool_threads(const fv__pool *pool) {
    return pool->threads;
}

void fv__pool_run(fv__pool *pool, int count, void (*task)(void *context, int index, int worker), void *context) {
    pool->task = task;
    pool->context = context;
    pool->count = count;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    if (pool->threads == 1 || count == 1) {
        run_tasks(pool, 0);
        return;
    }
    atomic_store_explicit(&pool->busy, pool->threads - 1, memory_order_relaxed);
    announce(pool);
    run_tasks(pool, 0);
    for (int i = 0; i < pool->spins && atomic_load_explicit(&pool->busy, memory_order_acquire); i++) {
        pause_briefly();
    }
    if (atomic_load_explicit(&pool->busy, memory_order_acquire)) {
        pthread_mutex_lock(&pool->mutex);
        while (atomic_load_explicit(&pool->busy, memory_order_acquire)) {
            pthread_cond_wait(&pool->idle, &pool->mutex);
        }
        pthread_mutex_unlock(&pool->mutex);
    }
}
