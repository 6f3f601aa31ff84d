#include "input.h"

#include <stdlib.h>
#include <string.h>

hf_status hf_job_input_put(hf_queue *queue, const hf_sealer *sealer, hf_job_header *job, const void *input,
                           size_t length) {
  hf_status status;
  hf_writer w = {0};
  if (!sealer) return hf_artifact_put(queue, input, length, &job->input_digest);
  HF_TRY(hf_payload_seal(sealer, job, input, length, &w));
  HF_TRY(hf_artifact_put(queue, w.data, w.length, &job->input_digest));
out:
  hf_writer_free(&w);
  return status;
}

hf_status hf_job_input_get(hf_queue *queue, const hf_pool_keys *keys, const hf_job_header *job, size_t limit,
                           uint8_t **input, size_t *length) {
  hf_status status;
  uint8_t *sealed = NULL;
  size_t sealed_length;
  char circuit[HF_NAME_MAX + 1], pool[HF_POOL_ID + 1];
  *input = NULL;
  *length = 0;
  hf_job_circuit(job, circuit, pool);
  if (!pool[0]) return hf_artifact_get(queue, &job->input_digest, limit, input, length);
  HF_TRY(hf_artifact_get(queue, &job->input_digest, limit + HF_PAYLOAD_OVERHEAD, &sealed, &sealed_length));
  HF_TRY(hf_payload_open(keys, job, sealed, sealed_length, input, length));
  if (*length > limit) {
    explicit_bzero(*input, *length);
    free(*input);
    *input = NULL;
    status = hf_fail(HF_E_RANGE, "the input has %zu bytes, at most %zu are possible", *length, limit);
    *length = 0;
  }
out:
  free(sealed);
  return status;
}
