#include <hyperfold/threads.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HF_POOL_MAX_THREADS 1024

struct hf_pool {
  pthread_mutex_t lock;
  pthread_cond_t wake, idle;
  unsigned size;    /* threads that share a loop, the owner included */
  unsigned started; /* threads[0 .. started) are running */
  pthread_t *threads;
  uint64_t round; /* grows with each loop; sleepers wait for it to change */
  unsigned busy;  /* helpers that have not finished the present loop */
  unsigned next_number;
  bool stop;
  /* the present loop */
  hf_pool_body body;
  void *context;
  size_t count, grain;
  atomic_size_t next;
};

static void loop_share(hf_pool *pool, unsigned worker) {
  for (;;) {
    size_t begin = atomic_fetch_add_explicit(&pool->next, pool->grain, memory_order_relaxed);
    if (begin >= pool->count) return;
    size_t left = pool->count - begin;
    pool->body(pool->context, begin, begin + (left < pool->grain ? left : pool->grain), worker);
  }
}

static void *helper_main(void *argument) {
  hf_pool *pool = argument;
  uint64_t seen = 0;
  pthread_mutex_lock(&pool->lock);
  unsigned worker = pool->next_number++;
  for (;;) {
    while (pool->round == seen && !pool->stop) pthread_cond_wait(&pool->wake, &pool->lock);
    if (pool->stop) break;
    seen = pool->round;
    pthread_mutex_unlock(&pool->lock);
    loop_share(pool, worker);
    pthread_mutex_lock(&pool->lock);
    if (--pool->busy == 0) pthread_cond_signal(&pool->idle);
  }
  pthread_mutex_unlock(&pool->lock);
  return NULL;
}

static unsigned processor_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int n = CPU_COUNT(&set);
  return n > 0 ? (unsigned)n : 1;
}

hf_status hf_pool_create(unsigned threads, hf_pool **out) {
  *out = NULL;
  if (threads == 0) threads = processor_count();
  if (threads > HF_POOL_MAX_THREADS)
    return hf_fail(HF_E_ARGUMENT, "%u threads asked for; at most %d are useful", threads,
                   HF_POOL_MAX_THREADS);
  hf_pool *pool = calloc(1, sizeof *pool);
  if (!pool) return hf_fail(HF_E_MEMORY, "thread pool: out of memory");
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->wake, NULL);
  pthread_cond_init(&pool->idle, NULL);
  pool->size = threads;
  pool->next_number = 1; /* the owner is worker 0 */
  pool->threads = calloc(threads, sizeof *pool->threads);
  if (!pool->threads) {
    hf_pool_destroy(&pool);
    return hf_fail(HF_E_MEMORY, "thread pool: out of memory");
  }
  /* Signals belong to the program's main thread. */
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int error = 0;
  for (; pool->started + 1 < threads; pool->started++) {
    error = pthread_create(&pool->threads[pool->started], NULL, helper_main, pool);
    if (error) break;
  }
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (error) {
    hf_status status =
        hf_fail(HF_E_MEMORY, "cannot start thread %u of %u: %s", pool->started + 1, threads, strerror(error));
    hf_pool_destroy(&pool);
    return status;
  }
  *out = pool;
  return HF_OK;
}

void hf_pool_destroy(hf_pool **pool_slot) {
  hf_pool *pool = *pool_slot;
  *pool_slot = NULL;
  if (!pool) return;
  pthread_mutex_lock(&pool->lock);
  pool->stop = true;
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
  for (unsigned i = 0; i < pool->started; i++) pthread_join(pool->threads[i], NULL);
  free(pool->threads);
  pthread_cond_destroy(&pool->idle);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->lock);
  free(pool);
}

unsigned hf_pool_size(const hf_pool *pool) { return pool->size; }

void hf_pool_run(hf_pool *pool, size_t count, size_t grain, hf_pool_body body, void *context) {
  if (grain == 0) grain = 1;
  if (!pool || count <= grain || pool->size == 1) { /* not worth waking anyone */
    for (size_t begin = 0; begin < count; begin += grain)
      body(context, begin, count - begin < grain ? count : begin + grain, 0);
    return;
  }
  pthread_mutex_lock(&pool->lock);
  pool->body = body;
  pool->context = context;
  pool->count = count;
  pool->grain = grain;
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  pool->busy = pool->started;
  pool->round++;
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
  loop_share(pool, 0);
  pthread_mutex_lock(&pool->lock);
  while (pool->busy) pthread_cond_wait(&pool->idle, &pool->lock);
  pthread_mutex_unlock(&pool->lock);
}
