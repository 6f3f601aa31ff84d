#include <hyperfold/job.h>

#include <string.h>

static const struct {
  hf_job_kind kind;
  const char *text;
} job_kinds[] = {{HF_JOB_PROVE_BATCH, "prove-batch"}, {HF_JOB_PROVE_CIRCUIT, "prove-circuit"}, {HF_JOB_FOLD, "fold"},
               {HF_JOB_SEAL, "seal"}};

static const char *const event_kinds[] = {
    [HF_EVENT_SUBMITTED] = "submitted",
    [HF_EVENT_LEASED] = "leased",
    [HF_EVENT_EXPIRED] = "expired",
    [HF_EVENT_RELEASED] = "released",
    [HF_EVENT_FAILED_ATTEMPT] = "failed-attempt",
    [HF_EVENT_DONE] = "done",
    [HF_EVENT_LATE_RESULT] = "late-result",
    [HF_EVENT_STALE_FAILURE] = "stale-failure",
    [HF_EVENT_CANCEL_REQUESTED] = "cancel-requested",
    [HF_EVENT_CANCELLED] = "cancelled",
    [HF_EVENT_DEADLINE] = "deadline",
    [HF_EVENT_DEAD] = "dead",
    [HF_EVENT_REQUEUED] = "requeued",
    [HF_EVENT_REFUSED] = "refused",
    [HF_EVENT_QUARANTINED] = "quarantined",
    [HF_EVENT_PARDONED] = "pardoned",
    [HF_EVENT_BARRED] = "barred",
};

const char *hf_job_kind_text(hf_job_kind kind) {
  for (size_t i = 0; i < sizeof job_kinds / sizeof job_kinds[0]; i++)
    if (job_kinds[i].kind == kind) return job_kinds[i].text;
  return NULL;
}

hf_status hf_job_kind_parse(const char *text, hf_job_kind *out) {
  for (size_t i = 0; i < sizeof job_kinds / sizeof job_kinds[0]; i++)
    if (strcmp(job_kinds[i].text, text) == 0) {
      *out = job_kinds[i].kind;
      return HF_OK;
    }
  return hf_fail(HF_E_ARGUMENT, "'%.40s' is no kind of job: prove-batch, prove-circuit, fold or seal", text);
}

const char *hf_event_kind_text(hf_event_kind kind) {
  size_t i = (size_t)kind;
  return i < sizeof event_kinds / sizeof event_kinds[0] ? event_kinds[i] : NULL;
}

static bool name_char(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-' || c == '/' || c == '@' || c == '+';
}

static bool bounded_name_valid(const char *name, size_t limit) {
  size_t n = 0;
  for (; name[n]; n++)
    if (n == limit || !name_char((unsigned char)name[n])) return false;
  return n > 0;
}

bool hf_name_valid(const char *name) { return bounded_name_valid(name, HF_NAME_MAX); }

hf_status hf_name_copy(const char *what, const char *name, char out[HF_NAME_MAX + 1]) {
  if (!hf_name_valid(name))
    return hf_fail(HF_E_ARGUMENT, "%s '%.80s': a name is 1 to %d of A-Z a-z 0-9 . _ - / @ +", what, name,
                   HF_NAME_MAX);
  strcpy(out, name);
  return HF_OK;
}

/* Bytes of the UTF-8 character at `p` (RFC 3629: shortest form, no surrogates,
 * up to U+10FFFF); 0 when there is none. Stops at NUL by itself. */
static size_t utf8_length(const unsigned char *p) {
  if (p[0] < 0x80) return 1;
  if (p[0] < 0xc2 || p[0] > 0xf4) return 0;
  size_t n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
  for (size_t i = 1; i < n; i++)
    if ((p[i] & 0xc0) != 0x80) return 0;
  if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
      (p[0] == 0xf4 && p[1] > 0x8f))
    return 0;
  return n;
}

void hf_detail_copy(const char *text, char out[HF_DETAIL_MAX + 1]) {
  const unsigned char *p = (const unsigned char *)text;
  size_t used = 0;
  while (*p) {
    size_t n = utf8_length(p);
    /* C0, DEL, and C1, of which some terminals take U+009B as the beginning of a command. */
    bool control = n == 1 ? *p < 0x20 || *p == 0x7f : n == 2 && p[0] == 0xc2 && p[1] < 0xa0;
    bool good = n > 0 && !control;
    if (n == 0) n = 1;
    if (used + (good ? n : 1) > HF_DETAIL_MAX) break;
    if (good)
      for (size_t i = 0; i < n; i++) out[used++] = (char)p[i];
    else
      out[used++] = '?';
    p += n;
  }
  out[used] = '\0';
}

hf_status hf_job_key_make(const char *tenant, const void *id, size_t length, hf_job_key *out) {
  memset(out, 0, sizeof *out);
  hf_status status = hf_name_copy("tenant", tenant, out->tenant);
  if (status != HF_OK) return status;
  if (length == 0 || length > HF_JOB_ID_MAX)
    return hf_fail(HF_E_ARGUMENT, "job id of %zu bytes: 1 to %d are allowed", length, HF_JOB_ID_MAX);
  out->id.length = (uint8_t)length;
  memcpy(out->id.b, id, length);
  return HF_OK;
}

bool hf_job_key_eq(const hf_job_key *a, const hf_job_key *b) {
  return strcmp(a->tenant, b->tenant) == 0 && a->id.length == b->id.length &&
         memcmp(a->id.b, b->id.b, a->id.length) == 0;
}

void hf_job_id_text(const hf_job_id *id, char out[HF_JOB_ID_TEXT]) {
  bool readable = !(id->length >= 2 && id->b[0] == '0' && id->b[1] == 'x');
  for (size_t i = 0; i < id->length; i++) readable = readable && name_char(id->b[i]);
  if (readable) {
    memcpy(out, id->b, id->length);
    out[id->length] = '\0';
  } else {
    memcpy(out, "0x", 2);
    hf_hex(id->b, id->length, out + 2);
  }
}

hf_status hf_job_id_parse(const char *text, hf_job_id *out) {
  size_t length = strlen(text);
  memset(out, 0, sizeof *out);
  if (strncmp(text, "0x", 2) == 0) {
    if (length < 4 || length % 2 || (length - 2) / 2 > HF_JOB_ID_MAX)
      return hf_fail(HF_E_ARGUMENT, "job id '%.140s': 0x and the hex of 1 to %d bytes", text, HF_JOB_ID_MAX);
    out->length = (uint8_t)((length - 2) / 2);
    return hf_unhex(text, out->b, out->length);
  }
  if (!hf_name_valid(text))
    return hf_fail(HF_E_ARGUMENT, "job id '%.80s': 1 to %d of A-Z a-z 0-9 . _ - / @ + or 0x and hex", text,
                   HF_JOB_ID_MAX);
  out->length = (uint8_t)length;
  memcpy(out->b, text, length);
  return HF_OK;
}

hf_status hf_job_set_parameter(hf_job_header *header, const char *name, uint64_t value) {
  if (!bounded_name_valid(name, HF_PARAMETER_NAME))
    return hf_fail(HF_E_ARGUMENT, "parameter '%.80s': 1 to %d of A-Z a-z 0-9 . _ - / @ +", name,
                   HF_PARAMETER_NAME);
  uint32_t at = 0;
  while (at < header->parameter_count && strcmp(header->parameters[at].name, name) < 0) at++;
  if (at < header->parameter_count && strcmp(header->parameters[at].name, name) == 0) {
    header->parameters[at].value = value;
    return HF_OK;
  }
  if (header->parameter_count >= HF_PARAMETER_MAX)
    return hf_fail(HF_E_ARGUMENT, "parameter '%s': a job has at most %d", name, HF_PARAMETER_MAX);
  memmove(&header->parameters[at + 1], &header->parameters[at],
          (header->parameter_count - at) * sizeof header->parameters[0]);
  memset(&header->parameters[at], 0, sizeof header->parameters[at]);
  strcpy(header->parameters[at].name, name);
  header->parameters[at].value = value;
  header->parameter_count++;
  return HF_OK;
}

bool hf_job_get_parameter(const hf_job_header *header, const char *name, uint64_t *value) {
  for (uint32_t i = 0; i < header->parameter_count; i++)
    if (strcmp(header->parameters[i].name, name) == 0) {
      *value = header->parameters[i].value;
      return true;
    }
  return false;
}

hf_status hf_job_header_check(const hf_job_header *header) {
  const hf_job_header *h = header;
  char ignored[HF_NAME_MAX + 1];
  hf_status status = HF_OK;
  HF_TRY(hf_name_copy("tenant", h->key.tenant, ignored));
  HF_TRY(hf_name_copy("circuit", h->circuit, ignored));
  if (h->key.id.length == 0 || h->key.id.length > HF_JOB_ID_MAX)
    return hf_fail(HF_E_ARGUMENT, "job id of %u bytes: 1 to %d are allowed", h->key.id.length, HF_JOB_ID_MAX);
  if (!hf_job_kind_text(h->kind)) return hf_fail(HF_E_ARGUMENT, "%d is no kind of job", (int)h->kind);
  if (h->parameter_count > HF_PARAMETER_MAX)
    return hf_fail(HF_E_ARGUMENT, "%u parameters: a job has at most %d", h->parameter_count,
                   HF_PARAMETER_MAX);
  for (uint32_t i = 0; i < h->parameter_count; i++) {
    if (!bounded_name_valid(h->parameters[i].name, HF_PARAMETER_NAME))
      return hf_fail(HF_E_ARGUMENT, "the name of parameter %u is not valid", i);
    if (i && strcmp(h->parameters[i - 1].name, h->parameters[i].name) >= 0)
      return hf_fail(HF_E_ARGUMENT, "parameter '%s' is not in order", h->parameters[i].name);
  }
  if (h->priority < -HF_PRIORITY_MAX || h->priority > HF_PRIORITY_MAX)
    return hf_fail(HF_E_ARGUMENT, "priority %d: -%d to %d are allowed", h->priority, HF_PRIORITY_MAX,
                   HF_PRIORITY_MAX);
  /* The store keeps signed 64-bit numbers. */
  if (h->deadline_ms > INT64_MAX || h->device_memory > INT64_MAX || h->host_memory > INT64_MAX)
    return hf_fail(HF_E_ARGUMENT, "deadline or memory above 2^63 - 1");
out:
  return status;
}

hf_status hf_worker_check(const hf_worker *worker) {
  char ignored[HF_NAME_MAX + 1];
  hf_status status = HF_OK;
  HF_TRY(hf_name_copy("worker", worker->name, ignored));
  if (worker->software[0]) HF_TRY(hf_name_copy("software", worker->software, ignored));
  if (worker->capability_count > HF_CAPABILITY_MAX || worker->device_count > HF_DEVICE_MAX)
    return hf_fail(HF_E_ARGUMENT, "worker %s: %u capabilities, %u devices; at most %d and %d are allowed",
                   worker->name, worker->capability_count, worker->device_count, HF_CAPABILITY_MAX,
                   HF_DEVICE_MAX);
  for (uint32_t i = 0; i < worker->capability_count; i++)
    HF_TRY(hf_name_copy("capability", worker->capabilities[i].circuit, ignored));
  for (uint32_t i = 0; i < worker->device_count; i++) {
    HF_TRY(hf_name_copy("device", worker->devices[i].name, ignored));
    if (!bounded_name_valid(worker->devices[i].backend, HF_PARAMETER_NAME))
      return hf_fail(HF_E_ARGUMENT, "the backend of device %s is no name", worker->devices[i].name);
  }
  if (worker->device_memory > INT64_MAX || worker->host_memory > INT64_MAX)
    return hf_fail(HF_E_ARGUMENT, "worker %s: memory above 2^63 - 1", worker->name);
out:
  return status;
}

static void digest_text(hf_digest_state *state, const char *text) {
  uint8_t length = (uint8_t)strlen(text);
  hf_digest_update(state, &length, 1);
  hf_digest_update(state, text, length);
}

static void digest_u64(hf_digest_state *state, uint64_t value) {
  uint8_t bytes[8];
  for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(value >> (8 * i));
  hf_digest_update(state, bytes, sizeof bytes);
}

hf_digest hf_job_payload_digest(const hf_job_header *header) {
  hf_digest_state state;
  hf_digest digest;
  hf_digest_init(&state);
  digest_text(&state, "hyperfold job 1");
  digest_u64(&state, (uint64_t)header->kind);
  digest_text(&state, header->circuit);
  digest_u64(&state, header->parameter_count);
  for (uint32_t i = 0; i < header->parameter_count; i++) {
    digest_text(&state, header->parameters[i].name);
    digest_u64(&state, header->parameters[i].value);
  }
  hf_digest_update(&state, header->vk_digest.b, sizeof header->vk_digest.b);
  hf_digest_update(&state, header->input_digest.b, sizeof header->input_digest.b);
  hf_digest_final(&state, &digest);
  return digest;
}
