/* A look at a queue with anything in its texts and numbers, on a screen of any size: a page is within the screen, and nothing but
 * printable ASCII. */
#include "top_frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(const uint8_t **data, size_t *size, void *out, size_t length) {
  const size_t n = length < *size ? length : *size;
  memset(out, 0, length);
  if (n > 0) memcpy(out, *data, n);
  *data += n;
  *size -= n;
}

/* A string fills at most its field. */
static void text(const uint8_t **data, size_t *size, char *out, size_t room) {
  uint8_t length;
  take(data, size, &length, 1);
  take(data, size, out, length < room - 1 ? length : room - 1);
  out[length < room - 1 ? length : room - 1] = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static hf_top_view v;
  uint8_t shape[6];
  char where[64], trouble[128];
  double number;
  hf_top_frame f;
  memset(&v, 0, sizeof v);
  take(&data, &size, shape, sizeof shape);
  take(&data, &size, &v.now_ms, sizeof v.now_ms);
  take(&data, &size, &number, sizeof number);
  text(&data, &size, where, sizeof where);
  text(&data, &size, trouble, sizeof trouble);
  v.tenant_count = shape[0] % (HF_TOP_TENANTS + 1);
  v.worker_count = shape[1] % (HF_TOP_WORKERS + 1);
  v.job_count = shape[2];
  v.alarm_count = shape[3] % (HF_TOP_ALARMS + 1);
  v.tenants_in_all = v.tenant_count + shape[4];
  v.workers_in_all = v.worker_count + shape[5];
  v.rows_per_second = number;
  for (uint32_t i = 0; i < v.alarm_count && size > 0; i++) text(&data, &size, v.alarms[i], HF_TOP_ALARM);
  for (uint32_t i = 0; i < v.tenant_count && size > 0; i++) {
    text(&data, &size, v.tenants[i].stats.tenant, HF_NAME_MAX + 1);
    take(&data, &size, &v.tenants[i].stats.used_ms, 8);
    take(&data, &size, &v.tenants[i].share, 8);
  }
  for (uint32_t i = 0; i < v.worker_count && size > 0; i++) {
    uint8_t state;
    text(&data, &size, v.workers[i].name, HF_NAME_MAX + 1);
    text(&data, &size, v.workers[i].cause, HF_DETAIL_MAX + 1);
    take(&data, &size, &state, 1);
    v.workers[i].state = (hf_top_state)(state % 4);
    v.workers[i].strikes = state;
  }
  for (uint32_t i = 0; i < v.job_count && size > 0; i++) {
    uint8_t id;
    hf_top_job *j = &v.jobs[i];
    text(&data, &size, j->worker, HF_NAME_MAX + 1);
    take(&data, &size, &id, 1);
    j->key.id.length = (uint8_t)(1 + id % HF_JOB_ID_MAX);
    take(&data, &size, j->key.id.b, j->key.id.length);
    text(&data, &size, j->progress.phase, HF_PARAMETER_NAME + 1);
    take(&data, &size, &j->progress.done, 8);
    take(&data, &size, &j->progress.total, 8);
    take(&data, &size, &j->rows_per_second, 8);
  }
  const hf_top_saying saying = {.where = where, .trouble = trouble[0] ? trouble : NULL, .per_second = number, .keys = true};
  const unsigned width = 1 + shape[0], height = shape[1] % 60;
  if (hf_top_frame_make(&v, &saying, width, height, &f) != HF_OK) abort();
  if (height > 0 && f.count > height) abort();
  for (unsigned i = 0; i < f.count; i++) {
    if (strlen(f.lines[i].text) > width) abort();
    for (const char *c = f.lines[i].text; *c; c++)
      if (*c < 0x20 || *c > 0x7e) abort();
  }
  hf_top_frame_free(&f);
  return 0;
}
