/* hyperfold top: a queue and its fleet, live. */
#include "commands.h"
#include "queue_common.h"
#include "signals.h"
#include "top_screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 2000 /* of a look: the screen is to stay alive */

typedef struct watcher {
  hf_cli *cli;
  hf_queue *queue; /* NULL: to be opened */
  hf_top_view *view, *fresh; /* the last look that succeeded; room for the next */
  hf_top_rates rates;
  char trouble[HF_DETAIL_MAX + 1]; /* why the last look failed; "" */
  char *where;
} watcher;

static uint64_t now_ms(void) {
  const hf_clock clock = hf_clock_system();
  return clock.now_ms(clock.context);
}

/* What failed is opened anew by the next look. */
static hf_status look(watcher *w) {
  hf_status status = HF_OK;
  if (w->queue == NULL) status = hf_cli_queue_open_patience(w->cli, PATIENCE_MS, &w->queue);
  if (status == HF_OK) status = hf_top_look(w->queue, now_ms(), w->fresh);
  w->trouble[0] = 0;
  if (status != HF_OK) {
    hf_detail_copy(hf_error_message(), w->trouble);
    hf_queue_close(&w->queue);
    return status;
  }
  hf_top_view *last = w->view;
  w->view = w->fresh;
  w->fresh = last;
  hf_top_rates_add(&w->rates, w->view);
  return HF_OK;
}

static hf_top_saying saying(const watcher *w, bool keys) {
  return (hf_top_saying){.where = w->where,
                         .trouble = w->trouble[0] ? w->trouble : NULL,
                         .per_second = hf_top_results_per_second(&w->rates),
                         .keys = keys};
}

/* ---- JSON ---- */

static json_t *open_json(const hf_top_open *o) {
  return json_pack("{s:o, s:o}", "queued", hf_cli_json_u64(o->queued), "leased", hf_cli_json_u64(o->leased));
}

static json_t *states_json(const uint64_t jobs[HF_JOB_STATES]) {
  json_t *object = json_object();
  for (int i = 0; i < HF_JOB_STATES; i++) json_object_set_new(object, hf_job_state_text((hf_job_state)i), hf_cli_json_u64(jobs[i]));
  return object;
}

static json_t *jobs_json(const hf_top_view *v, const char *worker) {
  json_t *list = json_array();
  for (uint32_t i = 0; i < v->job_count; i++) {
    const hf_top_job *j = &v->jobs[i];
    char id[HF_JOB_ID_TEXT];
    if (strcmp(j->worker, worker) != 0) continue;
    hf_job_id_text(&j->key.id, id);
    json_array_append_new(
        list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:f}", "tenant", j->key.tenant, "id", id, "kind",
                        hf_job_kind_text(j->kind), "circuit", j->circuit, "phase", j->progress.phase, "done",
                        hf_cli_json_u64(j->progress.done), "total", hf_cli_json_u64(j->progress.total), "leased_ms",
                        hf_cli_json_u64(j->leased_ms), "rows_per_second", j->rows_per_second));
  }
  return list;
}

static json_t *tenants_json(const hf_top_view *v) {
  json_t *list = json_array();
  for (uint32_t i = 0; i < v->tenant_count; i++) {
    const hf_tenant_stats *t = &v->tenants[i].stats;
    json_array_append_new(list, json_pack("{s:s, s:o, s:f, s:o, s:o, s:o, s:o}", "tenant", t->tenant, "weight", hf_cli_json_u64(t->weight),
                                          "share", v->tenants[i].share, "quota", hf_cli_json_u64(t->quota), "jobs", states_json(t->jobs),
                                          "used_ms", hf_cli_json_u64(t->used_ms), "proved_ms", hf_cli_json_u64(t->proved_ms)));
  }
  return list;
}

static json_t *workers_json(const hf_top_view *v) {
  json_t *list = json_array();
  for (uint32_t i = 0; i < v->worker_count; i++) {
    const hf_top_worker *w = &v->workers[i];
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "name", w->name, "state", hf_top_state_text(w->state),
                                          "device", w->device, "seen_ms", hf_cli_json_u64(w->seen_ms), "strikes",
                                          hf_cli_json_u64(w->strikes), "cause", hf_cli_json_text(w->cause), "jobs", jobs_json(v, w->name)));
  }
  return list;
}

static json_t *view_json(const watcher *w) {
  const hf_top_view *v = w->view;
  const hf_queue_stats *s = &v->stats;
  const double per_second = hf_top_results_per_second(&w->rates);
  json_t *alarms = json_array(), *last = json_null();
  for (uint32_t i = 0; i < v->alarm_count; i++) json_array_append_new(alarms, hf_cli_json_text(v->alarms[i]));
  if (v->last_seal.id.length > 0) {
    char id[HF_JOB_ID_TEXT];
    hf_job_id_text(&v->last_seal.id, id);
    last = json_pack("{s:s, s:s, s:o}", "tenant", v->last_seal.tenant, "id", id, "ended_ms", hf_cli_json_u64(v->last_seal_ms));
  }
  return json_pack(
      "{s:o, s:o, s:o, s:o, s:f, s:{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}, s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o, s:o}, s:o}",
      "time_ms", hf_cli_json_u64(v->now_ms), "jobs", states_json(s->jobs), "oldest_queued_ms", hf_cli_json_u64(s->oldest_queued_ms),
      "results_per_second", per_second < 0 ? json_null() : json_real(per_second), "rows_per_second", v->rows_per_second, "counters",
      "submitted", hf_cli_json_u64(s->submitted), "leases", hf_cli_json_u64(s->leases), "expired", hf_cli_json_u64(s->expired), "released",
      hf_cli_json_u64(s->released), "failures", hf_cli_json_u64(s->failures), "stale", hf_cli_json_u64(s->stale), "results",
      hf_cli_json_u64(s->results), "late_results", hf_cli_json_u64(s->late_results), "refusals", hf_cli_json_u64(s->refusals), "quarantines",
      hf_cli_json_u64(s->quarantines), "tenants_in_all", hf_cli_json_u64(v->tenants_in_all), "tenants", tenants_json(v), "workers_in_all",
      hf_cli_json_u64(v->workers_in_all), "workers", workers_json(v), "rollup", "batches", open_json(&v->batches), "folds",
      open_json(&v->folds), "seals", open_json(&v->seals), "last_seal", last, "alarms", alarms);
}

/* ---- showing ---- */

static hf_status print_once(watcher *w) {
  hf_status status;
  hf_top_frame frame = {0};
  const hf_top_saying says = saying(w, false);
  HF_TRY(hf_top_frame_make(w->view, &says, HF_TOP_COLUMNS, 0, &frame));
  for (unsigned i = 0; i < frame.count; i++) puts(frame.lines[i].text);
out:
  hf_top_frame_free(&frame);
  return status;
}

static hf_status draw(watcher *w, const hf_top_screen *screen) {
  hf_status status;
  hf_top_frame frame = {0};
  unsigned width, height;
  const hf_top_saying says = saying(w, true);
  hf_top_screen_size(screen, &width, &height);
  HF_TRY(hf_top_frame_make(w->view, &says, width, height, &frame));
  HF_TRY(hf_top_screen_show(screen, &frame));
out:
  hf_top_frame_free(&frame);
  return status;
}

/* Until q or a signal. A queue that does not answer any more is told on the screen. */
static hf_status live(watcher *w, uint64_t interval_ms) {
  hf_status status;
  hf_top_screen screen = {0};
  uint64_t next = now_ms() + interval_ms;
  HF_TRY(hf_top_screen_open(0, 1, &screen));
  while (!hf_cli_stopped()) {
    HF_TRY(draw(w, &screen));
    uint64_t now = now_ms();
    const hf_top_key key = hf_top_screen_wait(&screen, now < next ? (unsigned)(next - now) : 0);
    if (key == HF_TOP_QUIT) break;
    now = now_ms();
    if (key == HF_TOP_AGAIN && now < next) continue; /* another size: what is known, at once */
    (void)look(w);
    next = now_ms() + interval_ms;
  }
out:
  hf_top_screen_close(&screen);
  return status;
}

hf_status hf_top_run(hf_cli *cli) {
  hf_status status;
  watcher w = {.cli = cli, .view = calloc(1, sizeof *w.view), .fresh = calloc(1, sizeof *w.fresh)};
  const uint64_t interval = hf_cli_number(cli, "interval");
  const char *queue = hf_cli_text(cli, "queue");
  w.where = queue != NULL ? strdup(queue) : hf_cli_data_path(cli, "queue");
  if (w.view == NULL || w.fresh == NULL || w.where == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a view"));
  if (interval < 1 || interval > 3600) HF_TRY(hf_fail(HF_E_ARGUMENT, "--interval is 1 to 3600 seconds"));
  hf_cli_catch_signals();
  HF_TRY(look(&w));
  if (cli->json)
    HF_TRY(hf_cli_print_json(cli, view_json(&w)));
  else if (hf_cli_flag(cli, "once") || !hf_top_screen_possible(0, 1))
    HF_TRY(print_once(&w));
  else
    HF_TRY(live(&w, interval * 1000));
out:
  hf_queue_close(&w.queue);
  free(w.view);
  free(w.fresh);
  free(w.where);
  return status;
}

const hf_option hf_top_options[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    {"interval", HF_OPTION_NUMBER, "SECONDS", "2", "between looks at the queue"},
    {"once", HF_OPTION_FLAG, NULL, NULL, "print one page and end, as where there is no terminal"},
    HF_OPTION_END,
};
