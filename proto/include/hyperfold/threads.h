/* A small pool of threads that share loops.
 *
 * The thread that calls hf_pool_run works too; the others sleep between loops.
 * One loop runs at a time and a loop body must not start another one.
 */
#ifndef HF_THREADS_H
#define HF_THREADS_H
#include <hyperfold/status.h>
#include <stddef.h>

typedef struct hf_pool hf_pool;

/* Handles items [begin, end), end - begin <= grain; `worker` < hf_pool_size is this thread's number,
 * for scratch memory that is not shared. */
typedef void (*hf_pool_body)(void *context, size_t begin, size_t end, unsigned worker);

/* `threads` in all, the caller's included; 0 = one per processor that this process may use. */
hf_status hf_pool_create(unsigned threads, hf_pool **out);
void hf_pool_destroy(hf_pool **pool);
unsigned hf_pool_size(const hf_pool *pool);

/* body over [0, count) in chunks of at most `grain` items (at least 1), handed out as threads become free;
 * returns when all are done. The chunks begin at multiples of `grain`. `pool` NULL: the caller alone. */
void hf_pool_run(hf_pool *pool, size_t count, size_t grain, hf_pool_body body, void *context);

#endif
