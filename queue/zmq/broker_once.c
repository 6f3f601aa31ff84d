/* Requests that take effect once: answers are kept in the transaction of what they answer, and found again
 * when a request comes a second time. */
#include "zmq/broker_internal.h"

#include <string.h>

bool hf_broker_overtaken(hf_broker *b, const hf_broker_call *call) {
  hf_broker_session
      *set = &b->sessions[(call->asker.b[0] | (size_t)call->asker.b[1] << 8) % (HF_BROKER_SESSIONS / 4) * 4],
      *place = set;
  for (int i = 0; i < 4; i++) {
    if (hf_digest_eq(&set[i].asker, &call->asker)) {
      place = &set[i];
      break;
    }
    if (set[i].seen_ms < place->seen_ms) place = &set[i];
  }
  if (!hf_digest_eq(&place->asker, &call->asker)) *place = (hf_broker_session){.asker = call->asker};
  place->seen_ms = hf_steady_ms();
  if (call->request.number < place->number) return true;
  place->number = call->request.number;
  return false;
}

hf_status hf_broker_find_kept(hf_broker *b, hf_broker_call *call, bool *found) {
  uint64_t number;
  hf_writer kept = {0};
  hf_status status = hf_local_answer_find(b->store, &call->asker, &number, &kept);
  *found = false;
  if (status != HF_OK || kept.length == 0 || number < call->request.number) goto out;
  if (number > call->request.number) {
    status = hf_fail(HF_E_STATE, "the request was overtaken by a later one");
    goto out;
  }
  hf_reader r = hf_reader_over(kept.data, kept.length);
  uint32_t length;
  const uint8_t *head;
  HF_TRY(hf_read_u32(&r, "kept answer", &length));
  HF_TRY(hf_read_view(&r, "kept answer", length, &head));
  HF_TRY(hf_zmq_answer_decode(head, length, &call->answer));
  call->out.length = 0;
  hf_write_bytes(&call->out, r.data + r.offset, hf_reader_left(&r));
  status = hf_writer_status(&call->out);
  *found = true;
out:
  hf_writer_free(&kept);
  return status;
}

static hf_status keep(hf_broker *b, const hf_broker_call *call) {
  hf_writer head = {0}, all = {0};
  hf_status status = HF_OK;
  HF_TRY(hf_zmq_answer_encode(&call->answer, &head));
  hf_write_u32(&all, (uint32_t)head.length);
  hf_write_bytes(&all, head.data, head.length);
  hf_write_bytes(&all, call->out.data, call->out.length);
  HF_TRY(hf_writer_status(&all));
  /* By the broker's own clock, whatever that of the request is. */
  status = hf_local_answer_keep(b->store, &call->asker, call->request.number,
                                (hf_bytes){all.data, all.length}, b->clock.now_ms(b->clock.context));
out:
  hf_writer_free(&head);
  hf_writer_free(&all);
  return status;
}

/* Trouble of the store, as opposed to a verdict: it took no effect, and may go well another time. */
static bool is_trouble(hf_status status) {
  return status == HF_E_IO || status == HF_E_FULL || status == HF_E_MEMORY || status == HF_E_INTERNAL ||
         status == HF_E_CHECKSUM || status == HF_E_BUSY;
}

/* One change within a group. */
static hf_status change(hf_broker *b, hf_broker_call *call) {
  bool found, changed;
  hf_status status = hf_broker_find_kept(b, call, &found);
  if (status != HF_OK) {
    hf_broker_refuse(call, status);
    return HF_OK;
  }
  if (found) return HF_OK;
  hf_broker_terms(b, call);
  status = hf_broker_perform(b, call, &changed);
  if (!hf_local_grouped(b->store)) return status == HF_OK ? HF_E_FULL : status;
  return is_trouble(status) || !changed ? HF_OK : keep(b, call);
}

void hf_broker_change_all(hf_broker *b, hf_broker_call **calls, size_t count) {
  hf_status status = hf_local_group_begin(b->store);
  if (status == HF_OK) {
    for (size_t i = 0; i < count && status == HF_OK; i++) status = change(b, calls[i]);
    status = hf_local_group_end(b->store, status);
  }
  b->counts.groups++;
  if (status == HF_OK) return;
  for (size_t i = 0; i < count; i++) {
    if (count > 1) {
      hf_broker_change_all(b, &calls[i], 1);
    } else {
      calls[i]->out.length = 0;
      calls[i]->answer = (hf_zmq_answer){.number = calls[i]->request.number};
      hf_broker_refuse(calls[i], status);
    }
  }
}
