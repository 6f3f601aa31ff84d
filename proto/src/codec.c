/* The only file that knows protobuf: hyperfold.proto <-> the structs of job.h. */
#include <hyperfold/job.h>
#include <hyperfold/protobuf.h>

#include "hyperfold.pb-c.h"

#include <string.h>

/* What a decoder may allocate in all: the largest valid announcement (128 capabilities, 32 devices) takes
 * about 40 KiB. */
#define HF_CODEC_MEMORY (256u << 10)

static hf_status check_length(const char *what, size_t length) {
  if (length > HF_WIRE_MAX)
    return hf_fail(HF_E_RANGE, "%s of %zu bytes, at most %d are accepted", what, length, HF_WIRE_MAX);
  return HF_OK;
}

static hf_status check_version(const char *what, uint32_t version) {
  if (version == 0 || version > HF_WIRE_VERSION)
    return hf_fail(HF_E_VERSION, "%s of version %u, this build reads 1 to %d", what, version,
                   HF_WIRE_VERSION);
  return HF_OK;
}

/* protobuf-c ends a string at its first NUL without a word, so that "a\0b" would
 * pass for tenant "a". The input is walked once more to refuse a NUL inside any
 * field that is declared as a string. */
typedef struct wire_shape {
  uint32_t strings;           /* bit n: field n is a string */
  uint32_t nested;            /* bit n: field n is a message */
  uint32_t nested_strings[8]; /* for those: which of its fields are strings */
} wire_shape;

static bool read_varint(const uint8_t **p, const uint8_t *end, uint64_t *out) {
  *out = 0;
  for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
    uint8_t byte = *(*p)++;
    *out |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return true;
  }
  return false;
}

static bool strings_without_nul(const uint8_t *p, size_t length, const wire_shape *shape, uint32_t strings,
                                uint32_t nested) {
  const uint8_t *end = p + length;
  while (p < end) {
    uint64_t tag, size;
    if (!read_varint(&p, end, &tag)) return false;
    uint64_t field = tag >> 3;
    switch (tag & 7) {
    case 0:
      if (!read_varint(&p, end, &size)) return false;
      continue;
    case 1:
      size = 8;
      break;
    case 5:
      size = 4;
      break;
    case 2:
      if (!read_varint(&p, end, &size)) return false;
      break;
    default:
      return false;
    }
    if (size > (uint64_t)(end - p)) return false;
    if ((tag & 7) == 2 && field < 16) {
      if ((strings >> field & 1) && size && memchr(p, 0, (size_t)size)) return false;
      if ((nested >> field & 1) &&
          !strings_without_nul(p, (size_t)size, shape, shape->nested_strings[field], 0))
        return false;
    }
    p += size;
  }
  return true;
}

static const wire_shape job_shape = {
    .strings = 1u << 2 | 1u << 5, .nested = 1u << 6, .nested_strings[6] = 1u << 1};
static const wire_shape worker_shape = {.strings = 1u << 2 | 1u << 3,
                                        .nested = 1u << 4 | 1u << 5,
                                        .nested_strings[4] = 1u << 1,
                                        .nested_strings[5] = 1u << 1 | 1u << 2};
static const wire_shape event_shape = {.strings = 1u << 5 | 1u << 8 | 1u << 9};

static hf_status check_strings(const char *what, const void *data, size_t length, const wire_shape *shape) {
  if (!strings_without_nul(data, length, shape, shape->strings, shape->nested))
    return hf_fail(HF_E_FORMAT, "%s: a NUL inside a string, or a field that ends outside", what);
  return HF_OK;
}

/* A name of the wire into `out` of `limit` + 1 bytes. */
static hf_status take_name(const char *what, const char *name, size_t limit, bool may_be_empty, char *out) {
  size_t length = strlen(name);
  if (length > limit) return hf_fail(HF_E_RANGE, "%s of %zu characters, at most %zu", what, length, limit);
  if (!(may_be_empty && length == 0) && !hf_name_valid(name))
    return hf_fail(HF_E_FORMAT, "%s is no valid name", what);
  memcpy(out, name, length + 1);
  return HF_OK;
}

static hf_status take_digest(const char *what, ProtobufCBinaryData bytes, bool may_be_empty, hf_digest *out) {
  if (bytes.len == 0 && may_be_empty) {
    memset(out, 0, sizeof *out);
    return HF_OK;
  }
  if (bytes.len != sizeof out->b)
    return hf_fail(HF_E_FORMAT, "%s of %zu bytes, a digest has %zu", what, bytes.len, sizeof out->b);
  memcpy(out->b, bytes.data, sizeof out->b);
  return HF_OK;
}

static hf_status take_id(ProtobufCBinaryData bytes, hf_job_id *out) {
  if (bytes.len == 0 || bytes.len > HF_JOB_ID_MAX)
    return hf_fail(HF_E_RANGE, "job id of %zu bytes: 1 to %d are allowed", bytes.len, HF_JOB_ID_MAX);
  out->length = (uint8_t)bytes.len;
  memcpy(out->b, bytes.data, bytes.len);
  return HF_OK;
}

hf_status hf_job_header_encode(const hf_job_header *header, hf_writer *w) {
  Hyperfold__Wire__Parameter parameters[HF_PARAMETER_MAX], *pointers[HF_PARAMETER_MAX];
  Hyperfold__Wire__JobHeader m = HYPERFOLD__WIRE__JOB_HEADER__INIT;
  hf_status status = hf_job_header_check(header);
  if (status != HF_OK) return status;
  for (uint32_t i = 0; i < header->parameter_count; i++) {
    hyperfold__wire__parameter__init(&parameters[i]);
    parameters[i].name = (char *)header->parameters[i].name;
    parameters[i].value = header->parameters[i].value;
    pointers[i] = &parameters[i];
  }
  m.version = HF_WIRE_VERSION;
  m.tenant = (char *)header->key.tenant;
  m.id = hf_protobuf_bytes(header->key.id.b, header->key.id.length);
  m.kind = (Hyperfold__Wire__JobKind)header->kind;
  m.circuit = (char *)header->circuit;
  m.n_parameters = header->parameter_count;
  m.parameters = pointers;
  m.vk_digest = hf_protobuf_bytes(header->vk_digest.b, sizeof header->vk_digest.b);
  m.input_digest = hf_protobuf_bytes(header->input_digest.b, sizeof header->input_digest.b);
  m.priority = header->priority;
  m.deadline_ms = header->deadline_ms;
  m.device_memory = header->device_memory;
  m.host_memory = header->host_memory;
  return hf_protobuf_pack(&m.base, HF_WIRE_MAX, w);
}

hf_status hf_job_header_decode(const void *data, size_t length, hf_job_header *out) {
  hf_status status = HF_OK;
  hf_protobuf_budget b = {HF_CODEC_MEMORY, false};
  ProtobufCAllocator allocator = hf_protobuf_allocator(&b);
  Hyperfold__Wire__JobHeader *m = NULL;
  memset(out, 0, sizeof *out);
  HF_TRY(check_length("job header", length));
  m = hyperfold__wire__job_header__unpack(&allocator, length, data);
  if (!m) return hf_protobuf_refuse("job header", &b);
  HF_TRY(check_version("job header", m->version));
  HF_TRY(check_strings("job header", data, length, &job_shape));
  HF_TRY(take_name("tenant", m->tenant, HF_NAME_MAX, false, out->key.tenant));
  HF_TRY(take_id(m->id, &out->key.id));
  out->kind = (hf_job_kind)m->kind;
  if (!hf_job_kind_text(out->kind)) {
    status = hf_fail(HF_E_FORMAT, "job header: kind %d is not known", (int)m->kind);
    goto out;
  }
  HF_TRY(take_name("circuit", m->circuit, HF_NAME_MAX, false, out->circuit));
  if (m->n_parameters > HF_PARAMETER_MAX) {
    status = hf_fail(HF_E_RANGE, "job header: %zu parameters, at most %d", m->n_parameters, HF_PARAMETER_MAX);
    goto out;
  }
  for (size_t i = 0; i < m->n_parameters; i++) {
    HF_TRY(take_name("parameter", m->parameters[i]->name, HF_PARAMETER_NAME, false, out->parameters[i].name));
    out->parameters[i].value = m->parameters[i]->value;
  }
  out->parameter_count = (uint32_t)m->n_parameters;
  HF_TRY(take_digest("vk digest", m->vk_digest, false, &out->vk_digest));
  HF_TRY(take_digest("input digest", m->input_digest, false, &out->input_digest));
  out->priority = m->priority;
  out->deadline_ms = m->deadline_ms;
  out->device_memory = m->device_memory;
  out->host_memory = m->host_memory;
  /* Order of parameters, ranges of numbers. */
  if (hf_job_header_check(out) != HF_OK) status = hf_fail_context(HF_E_FORMAT, "job header");
out:
  if (m) hyperfold__wire__job_header__free_unpacked(m, &allocator);
  if (status != HF_OK) memset(out, 0, sizeof *out);
  return status;
}

hf_status hf_worker_encode(const hf_worker *worker, hf_writer *w) {
  Hyperfold__Wire__Capability capabilities[HF_CAPABILITY_MAX], *capability_pointers[HF_CAPABILITY_MAX];
  Hyperfold__Wire__Device devices[HF_DEVICE_MAX], *device_pointers[HF_DEVICE_MAX];
  Hyperfold__Wire__WorkerAnnouncement m = HYPERFOLD__WIRE__WORKER_ANNOUNCEMENT__INIT;
  hf_status status = hf_worker_check(worker);
  if (status != HF_OK) return status;
  for (uint32_t i = 0; i < worker->capability_count; i++) {
    const hf_capability *from = &worker->capabilities[i];
    hyperfold__wire__capability__init(&capabilities[i]);
    capabilities[i].circuit = (char *)from->circuit;
    if (!hf_digest_is_zero(&from->vk_digest))
      capabilities[i].vk_digest = hf_protobuf_bytes(from->vk_digest.b, sizeof from->vk_digest.b);
    capability_pointers[i] = &capabilities[i];
  }
  for (uint32_t i = 0; i < worker->device_count; i++) {
    const hf_device_info *from = &worker->devices[i];
    hyperfold__wire__device__init(&devices[i]);
    devices[i].name = (char *)from->name;
    devices[i].backend = (char *)from->backend;
    devices[i].memory = from->memory;
    device_pointers[i] = &devices[i];
  }
  m.version = HF_WIRE_VERSION;
  m.name = (char *)worker->name;
  m.software = (char *)worker->software;
  m.n_capabilities = worker->capability_count;
  m.capabilities = capability_pointers;
  m.n_devices = worker->device_count;
  m.devices = device_pointers;
  m.device_memory = worker->device_memory;
  m.host_memory = worker->host_memory;
  return hf_protobuf_pack(&m.base, HF_WIRE_MAX, w);
}

hf_status hf_worker_decode(const void *data, size_t length, hf_worker *out) {
  hf_status status = HF_OK;
  hf_protobuf_budget b = {HF_CODEC_MEMORY, false};
  ProtobufCAllocator allocator = hf_protobuf_allocator(&b);
  Hyperfold__Wire__WorkerAnnouncement *m = NULL;
  memset(out, 0, sizeof *out);
  HF_TRY(check_length("worker announcement", length));
  m = hyperfold__wire__worker_announcement__unpack(&allocator, length, data);
  if (!m) return hf_protobuf_refuse("worker announcement", &b);
  HF_TRY(check_version("worker announcement", m->version));
  HF_TRY(check_strings("worker announcement", data, length, &worker_shape));
  HF_TRY(take_name("worker", m->name, HF_NAME_MAX, false, out->name));
  HF_TRY(take_name("software", m->software, HF_NAME_MAX, true, out->software));
  if (m->n_capabilities > HF_CAPABILITY_MAX || m->n_devices > HF_DEVICE_MAX) {
    status = hf_fail(HF_E_RANGE, "worker announcement: %zu capabilities, %zu devices; at most %d and %d",
                     m->n_capabilities, m->n_devices, HF_CAPABILITY_MAX, HF_DEVICE_MAX);
    goto out;
  }
  for (size_t i = 0; i < m->n_capabilities; i++) {
    HF_TRY(take_name("capability", m->capabilities[i]->circuit, HF_NAME_MAX, false,
                     out->capabilities[i].circuit));
    HF_TRY(take_digest("capability's vk digest", m->capabilities[i]->vk_digest, true,
                       &out->capabilities[i].vk_digest));
  }
  out->capability_count = (uint32_t)m->n_capabilities;
  for (size_t i = 0; i < m->n_devices; i++) {
    HF_TRY(take_name("device", m->devices[i]->name, HF_NAME_MAX, false, out->devices[i].name));
    HF_TRY(take_name("device's backend", m->devices[i]->backend, HF_PARAMETER_NAME, false,
                     out->devices[i].backend));
    out->devices[i].memory = m->devices[i]->memory;
  }
  out->device_count = (uint32_t)m->n_devices;
  out->device_memory = m->device_memory;
  out->host_memory = m->host_memory;
  if (hf_worker_check(out) != HF_OK) status = hf_fail_context(HF_E_FORMAT, "worker announcement");
out:
  if (m) hyperfold__wire__worker_announcement__free_unpacked(m, &allocator);
  if (status != HF_OK) memset(out, 0, sizeof *out);
  return status;
}

static bool detail_valid(const char *detail) {
  char clean[HF_DETAIL_MAX + 1];
  if (strlen(detail) > HF_DETAIL_MAX) return false;
  hf_detail_copy(detail, clean);
  return strcmp(detail, clean) == 0;
}

hf_status hf_event_encode(const hf_event *event, hf_writer *w) {
  Hyperfold__Wire__Event m = HYPERFOLD__WIRE__EVENT__INIT;
  if (!hf_event_kind_text(event->kind))
    return hf_fail(HF_E_ARGUMENT, "%d is no kind of event", (int)event->kind);
  bool about = hf_event_has_job(event->kind);
  if (about ? !hf_name_valid(event->key.tenant) || event->key.id.length == 0 || event->key.id.length > HF_JOB_ID_MAX
            : event->key.tenant[0] || event->key.id.length != 0)
    return hf_fail(HF_E_ARGUMENT, "event without a valid job key, or about no job and with one");
  if ((event->worker[0] && !hf_name_valid(event->worker)) || !detail_valid(event->detail))
    return hf_fail(HF_E_ARGUMENT, "event with a worker or a detail that is not valid");
  m.version = HF_WIRE_VERSION;
  m.sequence = event->sequence;
  m.time_ms = event->time_ms;
  m.kind = (Hyperfold__Wire__EventKind)event->kind;
  m.tenant = (char *)event->key.tenant;
  m.id = hf_protobuf_bytes(event->key.id.b, event->key.id.length);
  m.epoch = event->epoch;
  m.worker = (char *)event->worker;
  m.detail = (char *)event->detail;
  return hf_protobuf_pack(&m.base, HF_WIRE_MAX, w);
}

hf_status hf_event_decode(const void *data, size_t length, hf_event *out) {
  hf_status status = HF_OK;
  hf_protobuf_budget b = {HF_CODEC_MEMORY, false};
  ProtobufCAllocator allocator = hf_protobuf_allocator(&b);
  Hyperfold__Wire__Event *m = NULL;
  memset(out, 0, sizeof *out);
  HF_TRY(check_length("event", length));
  m = hyperfold__wire__event__unpack(&allocator, length, data);
  if (!m) return hf_protobuf_refuse("event", &b);
  HF_TRY(check_version("event", m->version));
  HF_TRY(check_strings("event", data, length, &event_shape));
  out->sequence = m->sequence;
  out->time_ms = m->time_ms;
  out->kind = (hf_event_kind)m->kind;
  if (!hf_event_kind_text(out->kind)) {
    status = hf_fail(HF_E_FORMAT, "event: kind %d is not known", (int)m->kind);
    goto out;
  }
  if (hf_event_has_job(out->kind)) {
    HF_TRY(take_name("tenant", m->tenant, HF_NAME_MAX, false, out->key.tenant));
    HF_TRY(take_id(m->id, &out->key.id));
  } else if (m->tenant[0] || m->id.len != 0) {
    status = hf_fail(HF_E_FORMAT, "event: it names a job, and its kind is about none");
    goto out;
  }
  out->epoch = m->epoch;
  HF_TRY(take_name("worker", m->worker, HF_NAME_MAX, true, out->worker));
  if (!detail_valid(m->detail)) {
    status = hf_fail(HF_E_FORMAT, "event: the detail is too long, not UTF-8, or has control characters");
    goto out;
  }
  strcpy(out->detail, m->detail);
out:
  if (m) hyperfold__wire__event__free_unpacked(m, &allocator);
  if (status != HF_OK) memset(out, 0, sizeof *out);
  return status;
}
