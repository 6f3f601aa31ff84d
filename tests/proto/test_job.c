/* Job headers, announcements and events on the wire. The vectors were made by
 * Google's compiler, which shares no code with protobuf-c:
 *   protoc --encode=hyperfold.wire.JobHeader hyperfold.proto < text */
#include "ok.h"

#include <hyperfold/job.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char job_vector[] =
    "08011205616c6963651a030001ff20022a0a737175617265732f763232090a056465707468101832120a05736c6f7473"
    "10ffffffffffffffffff013a200102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20422000"
    "00000000000000000000000000000000000000000000000000000000000005480d5080d095ffbc3158808080800c6001";
static const char worker_vector[] =
    "0801120b686f73742f372f677075301a05302e312e3022290a05626174636812200102030405060708090a0b0c0d0e0f1011"
    "12131415161718191a1b1c1d1e1f2022050a03616e792a110a0463707530120363707518808080804030e807388080808060";
static const char event_vector[] =
    "080110ac0218fbd095ffbc31200c2a03626f6232026a3138044203772d324a0e476572c3a4743a206b6170757474";

static size_t from_hex(const char *text, uint8_t *out) {
  size_t length = strlen(text) / 2;
  OK(hf_unhex(text, out, length));
  return length;
}

/* A buffer of exactly this length, so that the sanitizer sees a read past its end. */
static uint8_t *exact(const void *data, size_t length) {
  uint8_t *copy = malloc(length ? length : 1);
  memcpy(copy, data, length);
  return copy;
}

Test(job, job_header) {
  uint8_t wire[512];
  size_t length = from_hex(job_vector, wire);
  hf_job_header h, back;
  hf_writer w = {0};
  OK(hf_job_header_decode(wire, length, &h));
  cr_assert_str_eq(h.key.tenant, "alice");
  cr_assert(h.key.id.length == 3 && memcmp(h.key.id.b, "\0\1\377", 3) == 0);
  cr_assert(h.kind == HF_JOB_PROVE_CIRCUIT && h.parameter_count == 2);
  cr_assert_str_eq(h.circuit, "squares/v2");
  uint64_t value;
  cr_assert(hf_job_get_parameter(&h, "depth", &value) && value == 24);
  cr_assert(hf_job_get_parameter(&h, "slots", &value) && value == UINT64_MAX);
  cr_assert(!hf_job_get_parameter(&h, "slot", &value));
  for (int i = 0; i < 32; i++) cr_assert(h.vk_digest.b[i] == i + 1);
  cr_assert(h.input_digest.b[31] == 5 && h.input_digest.b[0] == 0);
  cr_assert(h.priority == -7 && h.deadline_ms == 1700000000000 && h.device_memory == 3221225472 &&
            h.host_memory == 1);
  OK(hf_job_header_encode(&h, &w));
  cr_assert(w.length == length && memcmp(w.data, wire, length) == 0, "the encoding is not protoc's");

  /* Truncations and single changed bytes: refused or another valid header, never a crash, and what is
   * understood comes back the same. */
  unsigned accepted = 0;
  for (size_t n = 0; n < length; n++) {
    uint8_t *copy = exact(wire, n);
    if (hf_job_header_decode(copy, n, &back) == HF_OK) accepted++;
    free(copy);
  }
  cr_assert(accepted <= 4, "%u truncations passed", accepted); /* those that end before an optional number */
  for (size_t i = 0; i < length; i++)
    for (int v = 0; v < 256; v++) {
      uint8_t *copy = exact(wire, length);
      copy[i] = (uint8_t)v;
      if (hf_job_header_decode(copy, length, &back) == HF_OK) {
        hf_writer again = {0};
        hf_job_header third;
        OK(hf_job_header_encode(&back, &again));
        OK(hf_job_header_decode(again.data, again.length, &third));
        cr_assert(memcmp(&third, &back, sizeof back) == 0);
        hf_writer_free(&again);
      }
      free(copy);
    }

  /* The payload's digest sees what is proved and nothing else. */
  hf_digest payload = hf_job_payload_digest(&h), other;
  back = h;
  back.priority = 9;
  back.deadline_ms = 5;
  back.device_memory = back.host_memory = 6;
  strcpy(back.key.tenant, "bob");
  other = hf_job_payload_digest(&back);
  cr_assert(hf_digest_eq(&payload, &other));
  for (int i = 0; i < 7; i++) {
    back = h;
    if (i == 0) back.kind = HF_JOB_PROVE_BATCH;
    if (i == 1) strcpy(back.circuit, "squares/v3");
    if (i == 2) back.parameters[1].value--;
    if (i == 3) back.parameters[1].name[4] = 't';
    if (i == 4) back.parameter_count--;
    if (i == 5) back.vk_digest.b[0]++;
    if (i == 6) back.input_digest.b[0]++;
    other = hf_job_payload_digest(&back);
    cr_assert(!hf_digest_eq(&payload, &other), "change %d", i);
  }
  hf_writer_free(&w);
}

Test(job, worker_and_event) {
  uint8_t wire[512];
  size_t length = from_hex(worker_vector, wire);
  static hf_worker worker, back;
  hf_writer w = {0};
  OK(hf_worker_decode(wire, length, &worker));
  cr_assert_str_eq(worker.name, "host/7/gpu0");
  cr_assert_str_eq(worker.software, "0.1.0");
  cr_assert(worker.capability_count == 2 && worker.device_count == 1);
  cr_assert_str_eq(worker.capabilities[1].circuit, "any");
  cr_assert(worker.capabilities[0].vk_digest.b[31] == 32 &&
            hf_digest_is_zero(&worker.capabilities[1].vk_digest));
  cr_assert_str_eq(worker.devices[0].backend, "cpu");
  cr_assert(worker.devices[0].memory == 17179869184 && worker.device_memory == 1000 &&
            worker.host_memory == 25769803776);
  OK(hf_worker_encode(&worker, &w));
  cr_assert(w.length == length && memcmp(w.data, wire, length) == 0);
  for (size_t n = 0; n < length; n++) {
    uint8_t *copy = exact(wire, n);
    (void)hf_worker_decode(copy, n, &back);
    free(copy);
  }
  /* The largest valid announcement fits the decoder's memory. */
  worker.capability_count = HF_CAPABILITY_MAX;
  worker.device_count = HF_DEVICE_MAX;
  for (int i = 0; i < HF_CAPABILITY_MAX; i++) {
    memset(worker.capabilities[i].circuit, 'c', HF_NAME_MAX);
    memset(&worker.capabilities[i].vk_digest, 1, 32);
  }
  for (int i = 0; i < HF_DEVICE_MAX; i++) {
    memset(worker.devices[i].name, 'd', HF_NAME_MAX);
    memset(worker.devices[i].backend, 'b', HF_PARAMETER_NAME);
  }
  w.length = 0;
  OK(hf_worker_encode(&worker, &w));
  OK(hf_worker_decode(w.data, w.length, &back));
  cr_assert(memcmp(&worker, &back, sizeof back) == 0);
  worker.capability_count++;
  GIVES(HF_E_ARGUMENT, hf_worker_encode(&worker, &w));

  length = from_hex(event_vector, wire);
  hf_event event;
  OK(hf_event_decode(wire, length, &event));
  cr_assert(event.sequence == 300 && event.time_ms == 1700000000123 && event.kind == HF_EVENT_DEAD &&
            event.epoch == 4);
  cr_assert_str_eq(event.key.tenant, "bob");
  cr_assert_str_eq(event.worker, "w-2");
  cr_assert_str_eq(event.detail, "Ger\xc3\xa4t: kaputt");
  w.length = 0;
  OK(hf_event_encode(&event, &w));
  cr_assert(w.length == length && memcmp(w.data, wire, length) == 0);
  wire[length - 8] = '\n';
  GIVES(HF_E_FORMAT, hf_event_decode(wire, length, &event));

  /* A pardon is about a worker and no job; everything else is about one. */
  hf_event pardon = {.sequence = 1, .time_ms = 2, .kind = HF_EVENT_PARDONED, .worker = "w-2"}, read;
  w.length = 0;
  OK(hf_event_encode(&pardon, &w));
  OK(hf_event_decode(w.data, w.length, &read));
  cr_assert(memcmp(&pardon, &read, sizeof read) == 0);
  pardon.kind = HF_EVENT_QUARANTINED;
  GIVES(HF_E_ARGUMENT, hf_event_encode(&pardon, &w));
  OK(hf_job_key_make("bob", "j", 1, &pardon.key));
  w.length = 0;
  OK(hf_event_encode(&pardon, &w));
  for (size_t i = 0; i + 1 < w.length; i++) /* field 4 is the kind: the same bytes, as a pardon that names a job */
    if (w.data[i] == 4 << 3 && w.data[i + 1] == HF_EVENT_QUARANTINED) w.data[i + 1] = HF_EVENT_PARDONED;
  GIVES(HF_E_FORMAT, hf_event_decode(w.data, w.length, &read));
  pardon.kind = HF_EVENT_PARDONED;
  GIVES(HF_E_ARGUMENT, hf_event_encode(&pardon, &w));
  hf_writer_free(&w);
}

/* Puts `field` (length-delimited) behind the valid header: protobuf lets the last one win. */
static hf_status with_field(unsigned field, const void *data, size_t size, hf_job_header *out) {
  uint8_t wire[512];
  hf_writer w = {0};
  size_t length = from_hex(job_vector, wire);
  hf_write_bytes(&w, wire, length);
  hf_write_u8(&w, (uint8_t)(field << 3 | 2));
  hf_write_u8(&w, (uint8_t)size);
  hf_write_bytes(&w, data, size);
  uint8_t *copy = exact(w.data, w.length);
  hf_status status = hf_job_header_decode(copy, w.length, out);
  free(copy);
  hf_writer_free(&w);
  return status;
}

static hf_status with_varint(unsigned field, uint8_t value, hf_job_header *out) {
  uint8_t wire[512];
  size_t length = from_hex(job_vector, wire);
  wire[length] = (uint8_t)(field << 3);
  wire[length + 1] = value;
  return hf_job_header_decode(wire, length + 2, out);
}

Test(job, hostile_input) {
  static hf_worker worker;
  hf_job_header h;
  char long_name[100];
  memset(long_name, 'n', sizeof long_name);
  OK(with_field(2, "bob", 3, &h));
  cr_assert_str_eq(h.key.tenant, "bob");
  GIVES(HF_E_FORMAT, with_field(2, "bob\0x", 5, &h)); /* would be read as "bob" */
  cr_assert(h.key.tenant[0] == '\0', "a refused header leaves nothing behind");
  GIVES(HF_E_FORMAT, with_field(2, "", 0, &h));
  GIVES(HF_E_FORMAT, with_field(2, "b\xff", 2, &h)); /* not UTF-8 */
  GIVES(HF_E_FORMAT, with_field(2, "b b", 3, &h));
  GIVES(HF_E_FORMAT, with_field(2, "b:b", 3, &h)); /* the separator of the queue's own keys */
  OK(with_field(5, long_name, 64, &h));
  GIVES(HF_E_RANGE, with_field(5, long_name, 65, &h));
  GIVES(HF_E_FORMAT, with_field(5, "x\0", 2, &h));
  OK(with_field(3, long_name, 64, &h));
  GIVES(HF_E_RANGE, with_field(3, long_name, 65, &h));
  GIVES(HF_E_RANGE, with_field(3, "", 0, &h));
  GIVES(HF_E_FORMAT, with_field(7, long_name, 31, &h));
  GIVES(HF_E_FORMAT, with_field(7, long_name, 33, &h));
  GIVES(HF_E_FORMAT, with_field(8, "", 0, &h));
  GIVES(HF_E_FORMAT, with_field(6, "\x0a\x01z\x0a\x02y\0", 7, &h)); /* a NUL one level down */
  GIVES(HF_E_FORMAT, with_field(6, "\x0a\x01z\x10", 4, &h));        /* ends in the middle */
  OK(with_field(6, "\x0a\x01z\x10\x05", 5, &h));
  cr_assert(h.parameter_count == 3);
  GIVES(HF_E_FORMAT, with_field(6,
                                "\x0a\x01"
                                "a\x10\x05",
                                5, &h));                     /* not in order */
  GIVES(HF_E_FORMAT, with_field(6, "\x0a\x05slots", 7, &h)); /* twice */
  OK(with_field(15, "from the future", 15, &h));             /* unknown fields are skipped */
  OK(with_varint(4, HF_JOB_PROVE_BATCH, &h));
  cr_assert(h.kind == HF_JOB_PROVE_BATCH);
  OK(with_varint(4, HF_JOB_FOLD, &h));
  OK(with_varint(4, HF_JOB_SEAL, &h));
  cr_assert(h.kind == HF_JOB_SEAL);
  GIVES(HF_E_FORMAT, with_varint(4, 0, &h));
  GIVES(HF_E_FORMAT, with_varint(4, 5, &h));
  GIVES(HF_E_FORMAT, with_varint(4, 99, &h));
  GIVES(HF_E_VERSION, with_varint(1, 0, &h));
  GIVES(HF_E_VERSION, with_varint(1, 2, &h));
  GIVES(HF_E_VERSION, hf_job_header_decode("", 0, &h));

  /* Long input is refused unread; many empty parts are refused by the memory they would take. */
  uint8_t *flood = malloc(HF_WIRE_MAX + 1);
  memset(flood, 0, HF_WIRE_MAX + 1);
  GIVES(HF_E_RANGE, hf_job_header_decode(flood, HF_WIRE_MAX + 1, &h));
  for (size_t i = 0; i < HF_WIRE_MAX; i += 2) flood[i] = 6 << 3 | 2, flood[i + 1] = 0;
  GIVES(HF_E_RANGE, hf_job_header_decode(flood, HF_WIRE_MAX, &h));
  for (size_t i = 0; i < HF_WIRE_MAX; i += 2) flood[i] = 4 << 3 | 2, flood[i + 1] = 0;
  GIVES(HF_E_RANGE, hf_worker_decode(flood, HF_WIRE_MAX, &worker));
  free(flood);
}

Test(job, names_and_ids) {
  hf_job_id id, back;
  char text[HF_JOB_ID_TEXT], out[HF_DETAIL_MAX + 1];
  cr_assert(hf_name_valid("a.B_9-/@+") && !hf_name_valid("") && !hf_name_valid("a b") &&
            !hf_name_valid("\xc3\xa4"));
  const char *good[] = {"job-1", "0x00", "0xff00ff", "x"};
  for (int i = 0; i < 4; i++) {
    OK(hf_job_id_parse(good[i], &id));
    hf_job_id_text(&id, text);
    cr_assert_str_eq(text, good[i]);
  }
  const char *bad[] = {"", "0x", "0x0", "a b", "0xgg"};
  for (int i = 0; i < 5; i++) cr_assert(hf_job_id_parse(bad[i], &id) != HF_OK, "%s", bad[i]);
  hf_job_key key, other;
  uint8_t all[HF_JOB_ID_MAX];
  for (int i = 0; i < HF_JOB_ID_MAX; i++) all[i] = (uint8_t)(255 - i);
  OK(hf_job_key_make("t", all, sizeof all, &key));
  hf_job_id_text(&key.id, text);
  OK(hf_job_id_parse(text, &back));
  cr_assert(back.length == sizeof all && memcmp(back.b, all, sizeof all) == 0);
  GIVES(HF_E_ARGUMENT, hf_job_key_make("t", all, 0, &other));
  GIVES(HF_E_ARGUMENT, hf_job_key_make("t", all, 65, &other));
  GIVES(HF_E_ARGUMENT, hf_job_key_make("", all, 1, &other));
  OK(hf_job_key_make("0x_t", "0x12", 4, &other)); /* an id that looks like hex is shown as hex */
  hf_job_id_text(&other.id, text);
  cr_assert_str_eq(text, "0x30783132");
  cr_assert(!hf_job_key_eq(&key, &other) && hf_job_key_eq(&key, &key));

  hf_detail_copy("tab\there \xc3\xa4 \xed\xa0\x80 \xf0\x9f\x98\x80 \xc0\xaf \xe2\x82", out);
  cr_assert_str_eq(out, "tab?here \xc3\xa4 ??? \xf0\x9f\x98\x80 ?? ??");
  hf_detail_copy("esc\x1b[31m csi\xc2\x9b" "31m nel\xc2\x85 nbsp\xc2\xa0", out); /* what a terminal would obey */
  cr_assert_str_eq(out, "esc?[31m csi?31m nel? nbsp\xc2\xa0");
  char longer[2 * HF_DETAIL_MAX];
  for (size_t i = 0; i < sizeof longer - 1; i++) longer[i] = i % 2 ? '\xa4' : '\xc3';
  longer[sizeof longer - 1] = '\0';
  hf_detail_copy(longer, out);
  cr_assert(strlen(out) == HF_DETAIL_MAX &&
            (unsigned char)out[HF_DETAIL_MAX - 1] == 0xa4); /* no half character */

  hf_job_header h = {0};
  char name[8];
  for (int i = HF_PARAMETER_MAX; i-- > 0;) {
    snprintf(name, sizeof name, "p%02d", i);
    OK(hf_job_set_parameter(&h, name, (uint64_t)i));
  }
  for (int i = 0; i < HF_PARAMETER_MAX; i++) cr_assert(h.parameters[i].value == (uint64_t)i);
  OK(hf_job_set_parameter(&h, "p03", 33));
  cr_assert(h.parameter_count == HF_PARAMETER_MAX && h.parameters[3].value == 33);
  GIVES(HF_E_ARGUMENT, hf_job_set_parameter(&h, "one-more", 0));
  GIVES(HF_E_ARGUMENT, hf_job_set_parameter(&h, "", 0));
  hf_job_kind kind;
  OK(hf_job_kind_parse("prove-batch", &kind));
  cr_assert(kind == HF_JOB_PROVE_BATCH && hf_job_kind_text((hf_job_kind)0) == NULL);
  OK(hf_job_kind_parse("fold", &kind));
  cr_assert_eq((int)kind, 3); /* numbers of the wire */
  OK(hf_job_kind_parse("seal", &kind));
  cr_assert_eq((int)kind, 4);
  cr_assert_null(hf_job_kind_text((hf_job_kind)5));
  GIVES(HF_E_ARGUMENT, hf_job_kind_parse("unfold", &kind));
}
