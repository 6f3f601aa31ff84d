/* The broker's artifacts: uploads in the making, and pieces of what is there. */
#include "zmq/broker_internal.h"

#include <stdlib.h>
#include <string.h>

static void drop(hf_broker_upload *upload) {
  hf_local_upload_drop(upload->file);
  free(upload->file);
  upload->file = NULL;
}

void hf_broker_uploads_tidy(hf_broker *broker, bool all) {
  uint64_t now = hf_steady_ms();
  for (size_t i = 0; i < HF_BROKER_UPLOADS; i++) {
    hf_broker_upload *u = &broker->uploads[i];
    if (u->file && (all || u->seen_ms + HF_BROKER_UPLOAD_IDLE <= now ||
                    !hf_curve_clients_find(&broker->clients, u->key)))
      drop(u);
  }
}

/* A client knows only what is its tenant's: what it put itself, and what belongs to jobs of the tenant. So an
 * artifact cannot be had, nor found out about, by its name alone. */
static hf_status may_know(hf_broker *broker, const hf_broker_call *call, bool *may) {
  *may = true;
  if (call->who.role != HF_ROLE_CLIENT) return HF_OK;
  return hf_local_owns(broker->store, call->who.tenant, &call->request.digest, may);
}

hf_status hf_broker_has(hf_broker *broker, hf_broker_call *call) {
  bool has = false;
  hf_status status = may_know(broker, call, &has);
  if (status == HF_OK && has) status = hf_local_artifact_exists(broker->store, &call->request.digest, &has);
  call->answer.numbers[0] = has;
  call->answer.number_count = 1;
  return status;
}

static void tell(hf_broker_call *call, bool whole, uint64_t received) {
  call->answer.numbers[0] = whole;
  call->answer.numbers[1] = received;
  call->answer.number_count = 2;
}

static hf_status note(hf_broker *broker, hf_broker_call *call) {
  if (call->who.role != HF_ROLE_CLIENT) return HF_OK;
  return hf_local_note_put(broker->store, call->who.tenant, &call->request.digest,
                           hf_queue_now(&broker->store->queue));
}

static hf_status end(hf_broker *broker, hf_broker_call *call, hf_broker_upload *upload) {
  uint64_t size = upload->file->size;
  hf_status status = hf_local_upload_finish(broker->store, upload->file);
  drop(upload);
  if (status == HF_OK) status = note(broker, call);
  tell(call, status == HF_OK, size);
  return status;
}

static hf_broker_upload *find(hf_broker *broker, const hf_broker_call *call) {
  for (size_t i = 0; i < HF_BROKER_UPLOADS; i++) {
    hf_broker_upload *u = &broker->uploads[i];
    if (u->file && hf_digest_eq(&u->asker, &call->asker) &&
        hf_digest_eq(&u->file->digest, &call->request.digest))
      return u;
  }
  return NULL;
}

static hf_status begin(hf_broker *broker, hf_broker_call *call, uint64_t size, hf_broker_upload **out) {
  hf_broker_upload *free_one = NULL;
  size_t mine = 0;
  for (size_t i = 0; i < HF_BROKER_UPLOADS; i++) {
    hf_broker_upload *u = &broker->uploads[i];
    if (!u->file && !free_one) free_one = u;
    if (u->file && strcmp(u->key, call->key) == 0) mine++;
  }
  if (mine >= HF_BROKER_UPLOADS_EACH || !free_one)
    return hf_fail(HF_E_BUSY, "%s: %zu artifacts are being put already", call->who.name, mine);
  free_one->file = aligned_alloc(_Alignof(hf_local_upload), sizeof *free_one->file);
  if (!free_one->file) return hf_fail(HF_E_MEMORY, "no memory for an upload");
  hf_status status = hf_local_upload_open(broker->store, &call->request.digest, size, free_one->file);
  if (status != HF_OK) {
    free(free_one->file);
    free_one->file = NULL;
    return status;
  }
  free_one->asker = call->asker;
  memcpy(free_one->key, call->key, sizeof free_one->key);
  *out = free_one;
  return HF_OK;
}

hf_status hf_broker_put(hf_broker *broker, hf_broker_call *call) {
  uint64_t size = call->request.numbers[0];
  bool there;
  hf_broker_upload *upload = find(broker, call);
  hf_status status = may_know(broker, call, &there);
  if (status == HF_OK && there)
    status = hf_local_artifact_renew(broker->store, &call->request.digest, HF_BROKER_REHASH, &there);
  if (status != HF_OK) return status;
  if (there) {
    if (upload) drop(upload);
    tell(call, true, size);
    return note(broker, call);
  }
  if (upload && upload->file->size != size) {
    drop(upload);
    upload = NULL;
  }
  if (!upload) status = begin(broker, call, size, &upload);
  if (status != HF_OK) return status;
  upload->seen_ms = hf_steady_ms();
  if (size == 0) return end(broker, call, upload);
  tell(call, false, upload->file->received);
  return HF_OK;
}

hf_status hf_broker_chunk(hf_broker *broker, hf_broker_call *call) {
  uint64_t offset = call->request.numbers[0];
  hf_broker_upload *upload = find(broker, call);
  if (!upload) return hf_fail(HF_E_NOT_FOUND, "nothing of this artifact was put yet");
  upload->seen_ms = hf_steady_ms();
  if (offset == upload->file->received) {
    hf_status status =
        hf_local_upload_write(upload->file, zmq_msg_data(&call->body), zmq_msg_size(&call->body));
    if (status != HF_OK) {
      drop(upload);
      return status;
    }
    if (upload->file->received == upload->file->size) return end(broker, call, upload);
  }
  /* Another offset: a piece that has come twice, or after a gap. The answer says from where to go on. */
  tell(call, false, upload->file->received);
  return HF_OK;
}

hf_status hf_broker_fetch(hf_broker *broker, hf_broker_call *call) {
  bool may;
  uint64_t size = 0;
  size_t length = 0;
  hf_status status = may_know(broker, call, &may);
  if (status != HF_OK) return status;
  if (!may) {
    char hex[HF_DIGEST_HEX];
    hf_digest_hex(&call->request.digest, hex);
    return hf_fail(HF_E_NOT_FOUND, "tenant %s has no artifact %s", call->who.tenant, hex);
  }
  uint8_t *piece = malloc(HF_ZMQ_PIECE);
  if (!piece) return hf_fail(HF_E_MEMORY, "no memory for a piece of an artifact");
  status = hf_local_artifact_piece(broker->store, &call->request.digest, call->request.numbers[0], piece,
                                   HF_ZMQ_PIECE, &length, &size);
  if (status != HF_OK) {
    free(piece);
    return status;
  }
  call->out = (hf_writer){.data = piece, .length = length, .capacity = HF_ZMQ_PIECE};
  call->answer.numbers[0] = size;
  call->answer.number_count = 1;
  return HF_OK;
}
