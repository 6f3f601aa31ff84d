/* The input of a job: an artifact, sealed (payload.h) where there is somebody to seal it to. */
#ifndef HYPERFOLD_QUEUE_INPUT_H
#define HYPERFOLD_QUEUE_INPUT_H

#include <hyperfold/payload.h>

#include "queue.h"

/* Puts the input in the store and its digest in the job; with a sealer (NULL: none) sealed, and the job's
 * circuit becomes "CIRCUIT@POOL". Key, kind, circuit, parameters and vk digest must be there already. */
hf_status hf_job_input_put(hf_queue *queue, const hf_sealer *sealer, hf_job_header *job, const void *input,
                           size_t length);

/* Fetches a job's input of at most `limit` bytes, and opens it where it is sealed, into fresh memory that the
 * caller wipes and frees. Errors of hf_artifact_get and hf_payload_open; `keys` may be NULL. */
hf_status hf_job_input_get(hf_queue *queue, const hf_pool_keys *keys, const hf_job_header *job, size_t limit,
                           uint8_t **input, size_t *length);

#endif
