/* A process that makes no proofs, but does what its jobs' inputs say, a letter a step, on HF_MAKER_LANES descriptors:
 *
 *   w k    tells that it is in phase "witness" or "key"
 *   b      tells the phase "key" again and again, for ever
 *   h      hangs
 *   x      ends the process
 *   other  answers: refused, its process's number as the message, and a phase named by the letter
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "maker_wire.h"

static void send_bytes(int descriptor, uint8_t kind, hf_writer *w) {
  if (hf_writer_status(w) != HF_OK || hf_frame_send(descriptor, kind, (hf_bytes){w->data, w->length}, (hf_bytes){0}) != HF_OK) _exit(2);
  hf_writer_free(w);
}

static void tell(int descriptor, const char *phase) {
  hf_writer w = {0};
  hf_write_u32(&w, 500000);
  hf_write_u32(&w, 0);
  hf_write_bytes(&w, phase, strlen(phase));
  send_bytes(descriptor, HF_FRAME_PROGRESS, &w);
}

static void answer(int descriptor, char letter) {
  static _Thread_local hf_maker_result result;
  char name[2] = {letter, 0}, message[16];
  hf_writer w = {0};
  snprintf(message, sizeof message, "%d", (int)getpid());
  result.prove.phase_count = 1;
  result.prove.phases[0].name = name;
  if (hf_maker_done_encode(HF_E_REFUSED, message, &result, &w) != HF_OK) _exit(2);
  send_bytes(descriptor, HF_FRAME_DONE, &w);
}

static void job(int descriptor, const uint8_t *script, size_t length) {
  for (size_t i = 0; i < length; i++) switch (script[i]) {
    case 'w': tell(descriptor, "witness"); break;
    case 'k': tell(descriptor, "key"); break;
    case 'b':
      for (;;) {
        tell(descriptor, "key");
        usleep(20000);
      }
    case 'h':
      for (;;) pause();
    case 'x': _exit(3);
    default: answer(descriptor, (char)script[i]); break;
    }
}

static void *lane(void *context) {
  const int descriptor = HF_MAKER_DESCRIPTOR + *(int *)context;
  uint8_t kind, *payload;
  size_t length;
  hf_writer w = {0};
  hf_write_u64(&w, 0);
  send_bytes(descriptor, HF_FRAME_READY, &w);
  while (hf_frame_receive(descriptor, -1, HF_FRAME_JOB_MAX, &kind, &payload, &length) == HF_OK) {
    uint32_t header;
    hf_reader r = hf_reader_over(payload, length);
    if (kind == HF_FRAME_JOB && hf_read_u32(&r, "header", &header) == HF_OK)
      job(descriptor, payload + sizeof header + header, length - sizeof header - header);
    free(payload);
  }
  _exit(0);
}

int main(int count, char **words) {
  int lanes = count > 1 ? atoi(words[1]) : 1, number[HF_MAKER_LANES];
  pthread_t threads[HF_MAKER_LANES];
  for (int i = 0; i < lanes; i++) {
    number[i] = i;
    if (pthread_create(&threads[i], NULL, lane, &number[i]) != 0) return 2;
  }
  for (int i = 0; i < lanes; i++) pthread_join(threads[i], NULL);
  return 0;
}
