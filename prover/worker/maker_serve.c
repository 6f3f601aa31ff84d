/* The process that makes proofs: one job after the other from the descriptor. */
#include "maker_wire.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

typedef struct server {
  int descriptor;
  bool gone;                     /* nobody listens any more */
  const hf_maker_result *result; /* of the job under way */
} server;

static bool tell(void *context, const char *phase, double done) {
  server *s = context;
  hf_writer w = {0};
  hf_write_u32(&w, (uint32_t)(done * 1e6));
  hf_write_u32(&w, s->result->used_rows);
  hf_write_bytes(&w, phase, strlen(phase));
  if (hf_writer_status(&w) != HF_OK ||
      hf_frame_send(s->descriptor, HF_FRAME_PROGRESS, (hf_bytes){w.data, w.length}, (hf_bytes){0}) != HF_OK)
    s->gone = true;
  hf_writer_free(&w);
  /* anything that comes now is a cancel, or the end */
  struct pollfd p = {.fd = s->descriptor, .events = POLLIN};
  return !s->gone && poll(&p, 1, 0) <= 0;
}

static hf_status answer(server *s, hf_status made, const hf_maker_result *result) {
  hf_status status;
  hf_writer w = {0};
  HF_TRY(hf_maker_done_encode(made, made == HF_OK ? "" : hf_error_message(), result, &w));
  HF_TRY(hf_frame_send(s->descriptor, HF_FRAME_DONE, (hf_bytes){w.data, w.length}, (hf_bytes){0}));
out:
  hf_writer_free(&w);
  return status;
}

static hf_status job(server *s, hf_maker *maker, const uint8_t *payload, size_t length, hf_maker_result *result) {
  hf_status status;
  hf_reader r = hf_reader_over(payload, length);
  hf_job_header header;
  uint32_t header_length;
  const uint8_t *bytes, *input;
  HF_TRY(hf_read_u32(&r, "header", &header_length));
  HF_TRY(hf_read_view(&r, "header", header_length, &bytes));
  HF_TRY(hf_job_header_decode(bytes, header_length, &header));
  size_t input_length = hf_reader_left(&r);
  HF_TRY(hf_read_view(&r, "input", input_length, &input));
  hf_maker_task task = {.job = &header, .input = input, .length = input_length, .progress = tell, .context = s};
  hf_status made = maker->make(maker, &task, result);
  HF_TRY(answer(s, made, result));
out:
  return status;
}

static hf_status ready(const hf_maker *maker, int descriptor) {
  hf_status status;
  hf_writer w = {0};
  hf_write_u64(&w, maker->memory);
  HF_TRY(hf_writer_status(&w));
  HF_TRY(hf_frame_send(descriptor, HF_FRAME_READY, (hf_bytes){w.data, w.length}, (hf_bytes){0}));
out:
  hf_writer_free(&w);
  return status;
}

static hf_status serve(hf_maker *maker, int descriptor) {
  hf_status status;
  hf_maker_result *result = calloc(1, sizeof *result);
  server s = {.descriptor = descriptor, .result = result};
  uint8_t kind, *payload = NULL;
  size_t length = 0;
  if (result == NULL) return hf_fail(HF_E_MEMORY, "no memory for a proof");
  HF_TRY(ready(maker, descriptor));
  while ((status = hf_frame_receive(descriptor, -1, HF_FRAME_JOB_MAX, &kind, &payload, &length)) == HF_OK) {
    if (kind == HF_FRAME_JOB) HF_TRY(job(&s, maker, payload, length, result)); /* a late cancel is over */
    explicit_bzero(payload, length);
    free(payload);
    payload = NULL;
  }
  if (status == HF_E_NOT_FOUND) status = HF_OK;
out:
  if (s.gone) status = HF_OK;
  if (payload != NULL) explicit_bzero(payload, length);
  free(payload);
  free(result);
  return status;
}

typedef struct lane {
  hf_maker *maker;
  int descriptor;
} lane;

static void *serve_lane(void *context) {
  const lane *l = context;
  if (serve(l->maker, l->descriptor) != HF_OK) fprintf(stderr, "hyperfold: %s\n", hf_error_message());
  shutdown(l->descriptor, SHUT_RDWR); /* the worker is not to wait for an answer */
  return NULL;
}

/* All lanes end together, as the worker closes them together. */
hf_status hf_maker_serve(hf_maker *maker, unsigned lanes) {
  hf_status status;
  pthread_t threads[HF_MAKER_LANES];
  lane others[HF_MAKER_LANES];
  unsigned started = 0;
  if (lanes < 1 || lanes > HF_MAKER_LANES) return hf_fail(HF_E_ARGUMENT, "%u jobs at a time; 1 to %d", lanes, HF_MAKER_LANES);
  for (unsigned i = 1; i < lanes; i++) {
    others[started] = (lane){maker, HF_MAKER_DESCRIPTOR + (int)i};
    if (pthread_create(&threads[started], NULL, serve_lane, &others[started]) != 0)
      HF_TRY(hf_fail(HF_E_MEMORY, "no thread for a second job"));
    started++;
  }
  HF_TRY(serve(maker, HF_MAKER_DESCRIPTOR));
out:
  for (unsigned i = 0; i < started; i++) {
    shutdown(others[i].descriptor, SHUT_RDWR);
    pthread_join(threads[i], NULL);
  }
  return status;
}
