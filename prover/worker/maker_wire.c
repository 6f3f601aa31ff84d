#include "maker_wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static hf_status send_all(int descriptor, const void *data, size_t length) {
  const uint8_t *at = data;
  while (length > 0) {
    ssize_t sent = send(descriptor, at, length, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) /* SO_SNDTIMEO */
      return hf_fail(HF_E_TIMEOUT, "the prover's process reads no more");
    if (sent < 0) return hf_fail(HF_E_IO, "the prover's process: %s", strerror(errno));
    at += sent;
    length -= (size_t)sent;
  }
  return HF_OK;
}

hf_status hf_frame_send(int descriptor, uint8_t kind, hf_bytes first, hf_bytes second) {
  hf_status status;
  hf_writer w = {0};
  hf_write_u32(&w, (uint32_t)(first.length + second.length));
  hf_write_u8(&w, kind);
  HF_TRY(hf_writer_status(&w));
  HF_TRY(send_all(descriptor, w.data, w.length));
  HF_TRY(send_all(descriptor, first.data, first.length));
  HF_TRY(send_all(descriptor, second.data, second.length));
out:
  hf_writer_free(&w);
  return status;
}

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static hf_status receive_all(int descriptor, int timeout_ms, void *data, size_t length) {
  uint8_t *at = data;
  int64_t end = timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms;
  while (length > 0) {
    int64_t left = end - now_ms();
    struct pollfd p = {.fd = descriptor, .events = POLLIN};
    int ready = left <= 0 ? 0 : poll(&p, 1, timeout_ms < 0 ? -1 : (int)left);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return hf_fail(HF_E_TIMEOUT, "no sign of the prover's process for %d ms", timeout_ms);
    ssize_t got = ready < 0 ? -1 : recv(descriptor, at, length, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != ECONNRESET) return hf_fail(HF_E_IO, "the prover's process: %s", strerror(errno));
    if (got <= 0) return hf_fail(HF_E_NOT_FOUND, "the prover's process has closed");
    at += got;
    length -= (size_t)got;
  }
  return HF_OK;
}

hf_status hf_frame_receive(int descriptor, int timeout_ms, size_t limit, uint8_t *kind, uint8_t **payload, size_t *length) {
  hf_status status;
  uint8_t head[5];
  uint32_t own;
  *payload = NULL;
  *length = 0;
  HF_TRY(receive_all(descriptor, timeout_ms, head, sizeof head));
  hf_reader r = hf_reader_over(head, sizeof head);
  HF_TRY(hf_read_u32(&r, "length", &own));
  HF_TRY(hf_read_u8(&r, "kind", kind));
  if (own > limit) HF_TRY(hf_fail(HF_E_FORMAT, "a frame of %u bytes; at most %zu", own, limit));
  *payload = malloc(own ? own : 1);
  if (*payload == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a frame of %u bytes", own));
  *length = own;
  HF_TRY(receive_all(descriptor, timeout_ms, *payload, own));
out:
  if (status != HF_OK) {
    if (*payload != NULL) explicit_bzero(*payload, *length); /* a part of a job's input, perhaps */
    free(*payload);
    *payload = NULL;
  }
  return status;
}

/* --- what became of a job ---------------------------------------------------------- */

/* Seconds as microseconds. */
static void write_seconds(hf_writer *w, double seconds) { hf_write_u64(w, (uint64_t)(seconds * 1e6)); }

static hf_status read_seconds(hf_reader *r, const char *field, double *out) {
  uint64_t microseconds;
  hf_status status = hf_read_u64(r, field, &microseconds);
  *out = (double)microseconds * 1e-6;
  return status;
}

static void write_counted(hf_writer *w, const void *data, size_t length) {
  hf_write_u32(w, (uint32_t)length);
  hf_write_bytes(w, data, length);
}

static hf_status read_counted(hf_reader *r, const char *field, const uint8_t **out, uint32_t *length) {
  hf_status status;
  HF_TRY(hf_read_u32(r, field, length));
  HF_TRY(hf_read_view(r, field, *length, out));
out:
  return status;
}

/* Text of at most size - 1 bytes. */
static hf_status read_text(hf_reader *r, const char *field, char *out, size_t size) {
  hf_status status;
  const uint8_t *text;
  uint32_t length;
  HF_TRY(read_counted(r, field, &text, &length));
  if (length >= size) HF_TRY(hf_fail(HF_E_FORMAT, "%s: %u bytes of text", field, length));
  memcpy(out, text, length);
  out[length] = 0;
out:
  return status;
}

hf_status hf_maker_done_encode(hf_status made, const char *message, const hf_maker_result *result, hf_writer *w) {
  hf_status status;
  hf_writer proof = {0}, vk = {0};
  const hf_prove_report *p = &result->prove;
  hf_write_u32(w, (uint32_t)made);
  char detail[HF_DETAIL_MAX + 1];
  hf_detail_copy(message, detail);
  write_counted(w, detail, strlen(detail));
  hf_write_u32(w, result->log_n);
  hf_write_u32(w, result->used_rows);
  write_seconds(w, result->witness_seconds);
  write_seconds(w, result->key_seconds);
  hf_write_u64(w, result->peak_memory);
  hf_write_u32(w, p->phase_count);
  for (unsigned i = 0; i < p->phase_count; i++) {
    write_counted(w, p->phases[i].name, strlen(p->phases[i].name));
    write_seconds(w, p->phases[i].seconds);
  }
  write_seconds(w, p->seconds);
  write_seconds(w, p->msm_seconds);
  write_seconds(w, p->ntt_seconds);
  hf_write_u64(w, p->msm_points);
  hf_write_u64(w, p->ntt_count);
  if (made == HF_OK) {
    HF_TRY(hf_proof_encode(&result->proof, &proof));
    HF_TRY(hf_verifying_key_encode(&result->vk, &vk));
  }
  HF_TRY(hf_writer_status(&proof));
  HF_TRY(hf_writer_status(&vk));
  write_counted(w, proof.data, proof.length);
  write_counted(w, vk.data, vk.length);
  HF_TRY(hf_writer_status(w));
out:
  hf_writer_free(&proof);
  hf_writer_free(&vk);
  return status;
}

hf_status hf_maker_done_decode(const uint8_t *payload, size_t length, hf_maker_result *result, char names[HF_PROVE_PHASES][32],
                               hf_status *made, char message[HF_DETAIL_MAX + 1]) {
  hf_status status;
  hf_reader r = hf_reader_over(payload, length);
  hf_prove_report *p = &result->prove;
  const uint8_t *bytes;
  uint32_t code, count;
  uint64_t points, transforms;
  memset(result, 0, sizeof *result);
  HF_TRY(hf_read_u32(&r, "status", &code));
  if (code > HF_E_INTERNAL) HF_TRY(hf_fail(HF_E_FORMAT, "a status of %u", code));
  *made = (hf_status)code;
  HF_TRY(read_text(&r, "message", message, HF_DETAIL_MAX + 1));
  HF_TRY(hf_read_u32(&r, "log_n", &result->log_n));
  HF_TRY(hf_read_u32(&r, "used_rows", &result->used_rows));
  HF_TRY(read_seconds(&r, "witness", &result->witness_seconds));
  HF_TRY(read_seconds(&r, "key", &result->key_seconds));
  HF_TRY(hf_read_u64(&r, "peak", &result->peak_memory));
  HF_TRY(hf_read_u32(&r, "phases", &p->phase_count));
  if (p->phase_count > HF_PROVE_PHASES) HF_TRY(hf_fail(HF_E_FORMAT, "%u phases of a proof", p->phase_count));
  for (unsigned i = 0; i < p->phase_count; i++) {
    HF_TRY(read_text(&r, "phase", names[i], sizeof names[i]));
    p->phases[i].name = names[i];
    HF_TRY(read_seconds(&r, "phase", &p->phases[i].seconds));
  }
  HF_TRY(read_seconds(&r, "seconds", &p->seconds));
  HF_TRY(read_seconds(&r, "msm", &p->msm_seconds));
  HF_TRY(read_seconds(&r, "ntt", &p->ntt_seconds));
  HF_TRY(hf_read_u64(&r, "msm points", &points));
  HF_TRY(hf_read_u64(&r, "ntt count", &transforms));
  p->msm_points = points;
  p->ntt_count = transforms;
  HF_TRY(read_counted(&r, "proof", &bytes, &count));
  if (*made == HF_OK) HF_TRY(hf_proof_decode("the prover's process", bytes, count, &result->proof));
  HF_TRY(read_counted(&r, "verifying key", &bytes, &count));
  if (*made == HF_OK) HF_TRY(hf_verifying_key_decode("the prover's process", bytes, count, &result->vk));
  HF_TRY(hf_read_end(&r, "the prover's answer"));
out:
  return status;
}
