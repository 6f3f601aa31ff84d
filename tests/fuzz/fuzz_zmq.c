/* What a client and a broker take from each other, and lists of clients (the first byte chooses): any bytes
 * are refused or give a value that encodes to bytes which give it again. */
#include "zmq/keys.h"
#include "zmq/message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD(type, name)                                                                                     \
  do {                                                                                                       \
    static type first, second;                                                                               \
    hf_writer w = {0};                                                                                       \
    if (hf_zmq_##name##_decode(data, size, &first) == HF_OK) {                                               \
      if (hf_zmq_##name##_encode(&first, &w) != HF_OK) abort();                                              \
      if (hf_zmq_##name##_decode(w.data, w.length, &second) != HF_OK) abort();                               \
      if (memcmp(&first, &second, sizeof first) != 0) abort();                                               \
    }                                                                                                        \
    hf_writer_free(&w);                                                                                      \
  } while (0)

#define LIST(type, name)                                                                                     \
  do {                                                                                                       \
    static type first, second;                                                                               \
    hf_reader r = hf_reader_over(data, size);                                                                \
    while (hf_reader_left(&r) && hf_zmq_read_##name(&r, &first) == HF_OK) {                                  \
      hf_writer w = {0}, again = {0};                                                                        \
      if (hf_zmq_write_##name(&w, &first) != HF_OK) abort();                                                 \
      hf_reader back = hf_reader_over(w.data, w.length);                                                     \
      if (hf_zmq_read_##name(&back, &second) != HF_OK || hf_reader_left(&back)) abort();                     \
      if (hf_zmq_write_##name(&again, &second) != HF_OK) abort();                                            \
      if (w.length != again.length || memcmp(w.data, again.data, w.length) != 0) abort();                    \
      hf_writer_free(&w);                                                                                    \
      hf_writer_free(&again);                                                                                \
    }                                                                                                        \
  } while (0)

static void list_of_clients(const uint8_t *data, size_t size) {
  hf_curve_clients clients;
  char *text = malloc(size + 1);
  if (!text) return;
  memcpy(text, data, size);
  text[size] = '\0';
  if (hf_curve_clients_parse("list", text, &clients) == HF_OK) {
    for (size_t i = 0; i < clients.count; i++)
      if (hf_curve_clients_find(&clients, clients.list[i].key) != &clients.list[i]) abort();
    hf_curve_clients_free(&clients);
  }
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  uint8_t choice = *data++ % 11;
  size--;
  switch (choice) {
  case 0:
    HEAD(hf_zmq_request, request);
    break;
  case 1:
    HEAD(hf_zmq_answer, answer);
    break;
  case 2:
    LIST(hf_job_record, record);
    break;
  case 3:
    LIST(hf_submission, submission);
    break;
  case 4:
    LIST(hf_attempt, attempt);
    break;
  case 5:
    LIST(hf_tenant_stats, tenant);
    break;
  case 6:
    LIST(hf_worker_record, worker_record);
    break;
  case 7:
    LIST(hf_queue_refusal, refusal);
    break;
  case 8:
    LIST(hf_event, event);
    break;
  case 9:
    LIST(hf_job_header, header);
    break;
  default:
    list_of_clients(data, size);
  }
  return 0;
}
