/* What the process that makes proofs answers: anything is read or refused, and what is read is written as it was read. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "maker_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

static void answer(const uint8_t *data, size_t size) {
  static hf_maker_result result, again;
  char names[HF_PROVE_PHASES][32], names_again[HF_PROVE_PHASES][32], message[HF_DETAIL_MAX + 1], message_again[HF_DETAIL_MAX + 1];
  hf_status made, made_again;
  hf_writer w = {0};
  if (hf_maker_done_decode(data, size, &result, names, &made, message) != HF_OK) return;
  require(result.prove.phase_count <= HF_PROVE_PHASES && strlen(message) <= HF_DETAIL_MAX);
  /* what it says in seconds may be any number; only what a process can say is written again */
  if (result.prove.seconds > 1e9 || result.prove.msm_seconds > 1e9 || result.prove.ntt_seconds > 1e9 ||
      result.witness_seconds > 1e9 || result.key_seconds > 1e9)
    return;
  for (unsigned i = 0; i < result.prove.phase_count; i++)
    if (result.prove.phases[i].seconds > 1e9) return;
  require(hf_maker_done_encode(made, message, &result, &w) == HF_OK);
  require(hf_maker_done_decode(w.data, w.length, &again, names_again, &made_again, message_again) == HF_OK);
  require(made == made_again && result.log_n == again.log_n && result.used_rows == again.used_rows);
  require(memcmp(&result.proof, &again.proof, sizeof result.proof) == 0 && memcmp(&result.vk, &again.vk, sizeof result.vk) == 0);
  hf_writer_free(&w);
}

/* Frames cut anywhere, of any length that they claim. */
static void frames(const uint8_t *data, size_t size) {
  int ends[2];
  uint8_t kind, *payload;
  size_t length;
  if (size > 1 << 15) return; /* fits the socket's buffer: nobody reads while we write */
  require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  require(write(ends[0], data, size) == (ssize_t)size);
  close(ends[0]);
  while (hf_frame_receive(ends[1], 1000, 1 << 12, &kind, &payload, &length) == HF_OK) {
    require(length <= 1 << 12);
    free(payload);
  }
  close(ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  frames(data, size);
  answer(data, size);
  return 0;
}
