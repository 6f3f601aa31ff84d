/* hyperfold queue: what an operator does with the queue. */
#include "commands.h"
#include "fold_common.h"
#include "queue_common.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static hf_status stats(hf_cli *cli) {
  hf_status status;
  hf_queue *queue = NULL;
  hf_queue_stats s;
  json_t *tenants = json_array(), *jobs = json_object();
  hf_tenant_stats page[16];
  char after[HF_NAME_MAX + 1] = "";
  HF_TRY(hf_cli_queue_open_there(cli, &queue));
  HF_TRY(hf_queue_get_stats(queue, &s));
  for (int i = 0; i < HF_JOB_STATES; i++)
    json_object_set_new(jobs, hf_job_state_text((hf_job_state)i), hf_cli_json_u64(s.jobs[i]));
  if (!cli->json) {
    for (int i = 0; i < HF_JOB_STATES; i++)
      printf("%-10s %llu\n", hf_job_state_text((hf_job_state)i), (unsigned long long)s.jobs[i]);
    if (s.draining[0]) printf("draining   takes no new work: %s\n", s.draining);
    printf("oldest     waits %.1f s\n", (double)s.oldest_queued_ms / 1000);
    printf("counters   submitted %llu again %llu conflicting %llu refused %llu; leases %llu expired %llu "
           "released %llu; "
           "failures %llu stale %llu; results %llu late %llu differing %llu; refusals %llu quarantines %llu pardons %llu "
           "barred %llu\n",
           (unsigned long long)s.submitted, (unsigned long long)s.resubmitted,
           (unsigned long long)s.conflicts, (unsigned long long)s.refused, (unsigned long long)s.leases,
           (unsigned long long)s.expired, (unsigned long long)s.released, (unsigned long long)s.failures,
           (unsigned long long)s.stale, (unsigned long long)s.results, (unsigned long long)s.late_results,
           (unsigned long long)s.late_differing, (unsigned long long)s.refusals, (unsigned long long)s.quarantines,
           (unsigned long long)s.pardons, (unsigned long long)s.barred);
  }
  for (size_t count = 16; count == 16;) {
    HF_TRY(hf_queue_tenants(queue, after, page, 16, &count));
    for (size_t i = 0; i < count; i++) {
      const hf_tenant_stats *t = &page[i];
      if (cli->json)
        json_array_append_new(tenants, json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o}", "tenant", t->tenant,
                                                 "weight", (int)t->weight, "quota", hf_cli_json_u64(t->quota),
                                                 "done", hf_cli_json_u64(t->jobs[HF_JOB_DONE]), "used_ms",
                                                 hf_cli_json_u64(t->used_ms), "proved_ms",
                                                 hf_cli_json_u64(t->proved_ms), "refused_ms",
                                                 hf_cli_json_u64(t->refused_ms)));
      else
        printf("tenant     %s: weight %u, quota %llu, %llu queued, %llu done, %.1f s used, %.1f s of them proved, %.1f s of these "
               "refused\n",
               t->tenant, t->weight, (unsigned long long)t->quota, (unsigned long long)t->jobs[HF_JOB_QUEUED],
               (unsigned long long)t->jobs[HF_JOB_DONE], (double)t->used_ms / 1000,
               (double)t->proved_ms / 1000, (double)t->refused_ms / 1000);
      memcpy(after, t->tenant, sizeof after);
    }
  }
  if (cli->json)
    HF_TRY(hf_cli_print_json(
        cli,
        json_pack(
            "{s:O, s:o, s:o, s:{s:o, s:o, s:o, s:o}, s:{s:o, s:o, s:o}, s:{s:o, s:o}, s:{s:o, s:o, s:o, s:o, s:o}, s:{s:o, "
            "s:o}, s:O}",
            "jobs", jobs, "draining", s.draining[0] ? hf_cli_json_text(s.draining) : json_null(), "oldest_queued_ms",
            hf_cli_json_u64(s.oldest_queued_ms), "submissions", "accepted",
            hf_cli_json_u64(s.submitted), "again", hf_cli_json_u64(s.resubmitted), "conflicts",
            hf_cli_json_u64(s.conflicts), "refused", hf_cli_json_u64(s.refused), "leases", "granted",
            hf_cli_json_u64(s.leases), "expired", hf_cli_json_u64(s.expired), "released",
            hf_cli_json_u64(s.released), "failures", "charged", hf_cli_json_u64(s.failures), "stale",
            hf_cli_json_u64(s.stale), "results", "accepted", hf_cli_json_u64(s.results), "late",
            hf_cli_json_u64(s.late_results), "differing", hf_cli_json_u64(s.late_differing), "refused",
            hf_cli_json_u64(s.refusals), "barred", hf_cli_json_u64(s.barred), "workers", "quarantined",
            hf_cli_json_u64(s.quarantines), "pardoned", hf_cli_json_u64(s.pardons), "tenants",
            tenants)));
out:
  json_decref(jobs);
  json_decref(tenants);
  hf_queue_close(&queue);
  return status;
}

static hf_status dead(hf_cli *cli) {
  hf_status status;
  hf_cli_pages pages;
  hf_job_filter filter = {.state_mask = 1u << HF_JOB_DEAD};
  HF_TRY(hf_cli_pages_open(cli, sizeof(hf_job_record), &pages));
  hf_job_record *records = pages.page;
  for (size_t count = HF_CLI_PAGE; count == HF_CLI_PAGE;) {
    HF_TRY(hf_queue_list(pages.queue, &filter, records, HF_CLI_PAGE, &count));
    for (size_t i = 0; i < count; i++) {
      hf_attempt attempts[16];
      size_t tries;
      HF_TRY(hf_queue_attempts(pages.queue, &records[i].header.key, attempts, 16, &tries));
      json_t *list = json_array();
      if (!cli->json) hf_cli_record_line(&records[i]);
      for (size_t k = 0; k < tries; k++) {
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:s, s:i, s:o}", "time_ms", hf_cli_json_u64(attempts[k].time_ms),
                            "epoch", hf_cli_json_u64(attempts[k].epoch), "worker", attempts[k].worker, "code",
                            attempts[k].code, "cause", hf_cli_json_text(attempts[k].cause)));
        if (!cli->json)
          printf("         epoch %llu on %s: %s\n", (unsigned long long)attempts[k].epoch, attempts[k].worker,
                 attempts[k].cause);
      }
      json_t *job = hf_cli_record_json(&records[i]);
      json_object_set_new(job, "failures", list);
      json_array_append_new(pages.list, job);
      filter.after = records[i].sequence;
    }
  }
out:
  return hf_cli_pages_close(cli, &pages, "jobs", status);
}

static hf_status requeue(hf_cli *cli) {
  hf_status status;
  hf_queue *queue = NULL;
  hf_job_key key;
  uint64_t deadline = 0;
  if (hf_cli_given(cli, "deadline"))
    deadline = ((uint64_t)time(NULL) + hf_cli_number(cli, "deadline")) * 1000;
  HF_TRY(hf_cli_job_key(cli, 0, &key));
  HF_TRY(hf_cli_queue_open_there(cli, &queue));
  HF_TRY(hf_queue_requeue(queue, &key, deadline));
  if (cli->json)
    HF_TRY(hf_cli_print_json(cli, json_pack("{s:s, s:s}", "id", cli->arguments[0], "state", "queued")));
out:
  hf_queue_close(&queue);
  return status;
}

static uint64_t now_ms(void) {
  const hf_clock clock = hf_clock_system();
  return clock.now_ms(clock.context);
}

/* A server's clock may be ahead of this one. */
static void say_seen(const hf_worker_record *w, uint64_t now) {
  if (w->seen_ms == 0)
    printf("%s never asked for work:", w->worker.name);
  else
    printf("%s seen %.1f s ago:", w->worker.name, now > w->seen_ms ? (double)(now - w->seen_ms) / 1000 : 0.0);
}

static hf_status pardon(hf_cli *cli) {
  hf_status status;
  hf_queue *queue = NULL;
  HF_TRY(hf_cli_queue_open_there(cli, &queue));
  HF_TRY(hf_queue_pardon(queue, cli->arguments[0]));
  if (cli->json)
    status = hf_cli_print_json(cli, json_pack("{s:s, s:b}", "worker", cli->arguments[0], "quarantined", 0));
  else
    printf("%s: no strikes\n", cli->arguments[0]);
out:
  hf_queue_close(&queue);
  return status;
}

/* Closes the store to new work, and with --wait looks until nothing is open. */
static hf_status drain(hf_cli *cli) {
  hf_status status;
  hf_queue *queue = NULL;
  hf_queue_stats s;
  bool end = hf_cli_flag(cli, "end");
  uint64_t waited_ms = 0, open = 0, limit_ms = hf_cli_number(cli, "wait") * 1000;
  if (end && limit_ms != 0) HF_TRY(hf_fail(HF_E_ARGUMENT, "--wait is for draining, not for its end"));
  HF_TRY(hf_cli_queue_open_there(cli, &queue));
  HF_TRY(hf_queue_drain(queue, end ? NULL : hf_cli_text(cli, "reason")));
  for (;; waited_ms += 500) {
    HF_TRY(hf_queue_get_stats(queue, &s));
    open = s.jobs[HF_JOB_QUEUED] + s.jobs[HF_JOB_LEASED];
    if (end || open == 0 || waited_ms >= limit_ms) break;
    HF_TRY(hf_queue_reap(queue, NULL));
    nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
  }
  if (cli->json)
    HF_TRY(hf_cli_print_json(cli, json_pack("{s:o, s:o}", "draining", s.draining[0] ? hf_cli_json_text(s.draining) : json_null(), "open",
                                            hf_cli_json_u64(open))));
  else if (end)
    printf("the queue takes new work again\n");
  else
    printf("the queue takes no new work: %s; %llu jobs are open\n", s.draining, (unsigned long long)open);
  if (open != 0 && limit_ms != 0) HF_TRY(hf_fail(HF_E_TIMEOUT, "%llu jobs are open still", (unsigned long long)open));
out:
  hf_queue_close(&queue);
  return status;
}

static hf_status workers(hf_cli *cli) {
  hf_status status;
  hf_cli_pages pages;
  char after[HF_NAME_MAX + 1] = "";
  uint64_t since = ((uint64_t)time(NULL) - hf_cli_number(cli, "within")) * 1000;
  HF_TRY(hf_cli_pages_open(cli, sizeof(hf_worker_record), &pages));
  hf_worker_record *page = pages.page;
  for (size_t count = HF_CLI_PAGE; count == HF_CLI_PAGE;) {
    HF_TRY(hf_queue_workers(pages.queue, since, after, page, HF_CLI_PAGE, &count));
    for (size_t i = 0; i < count; i++) {
      const hf_worker *w = &page[i].worker;
      json_t *circuits = json_array();
      for (uint32_t k = 0; k < w->capability_count; k++)
        json_array_append_new(circuits, json_string(w->capabilities[k].circuit));
      if (!cli->json) {
        say_seen(&page[i], now_ms());
        for (uint32_t k = 0; k < w->capability_count; k++) printf(" %s", w->capabilities[k].circuit);
        if (page[i].strikes > 0)
          printf("; %u strike%s%s, the last: %s", page[i].strikes, page[i].strikes == 1 ? "" : "s", page[i].quarantined_ms ? ", QUARANTINED" : "",
                 page[i].cause);
        putchar('\n');
      }
      json_array_append_new(
          pages.list, json_pack("{s:s, s:s, s:o, s:o, s:i, s:o, s:o}", "name", w->name, "software", w->software,
                                "seen_ms", hf_cli_json_u64(page[i].seen_ms), "circuits", circuits, "strikes",
                                (int)page[i].strikes, "quarantined_ms", hf_cli_json_u64(page[i].quarantined_ms), "cause",
                                hf_cli_json_text(page[i].cause)));
      memcpy(after, w->name, sizeof after);
    }
  }
out:
  return hf_cli_pages_close(cli, &pages, "workers", status);
}

static hf_status events(hf_cli *cli) {
  hf_status status;
  hf_cli_pages pages;
  uint64_t after = hf_cli_number(cli, "after"), left = hf_cli_number(cli, "limit");
  HF_TRY(hf_cli_pages_open(cli, sizeof(hf_event), &pages));
  hf_event *page = pages.page;
  for (size_t count = HF_CLI_PAGE; count == HF_CLI_PAGE && left > 0;) {
    HF_TRY(hf_queue_events(pages.queue, after, page, HF_CLI_PAGE, &count));
    for (size_t i = 0; i < count && left > 0; i++, left--) {
      const hf_event *e = &page[i];
      char id[HF_JOB_ID_TEXT];
      if (hf_event_has_job(e->kind))
        hf_job_id_text(&e->key.id, id);
      else
        id[0] = '\0';
      after = e->sequence;
      if (cli->json)
        json_array_append_new(pages.list,
                              json_pack("{s:o, s:o, s:s, s:s, s:s, s:o, s:s, s:o}", "sequence",
                                        hf_cli_json_u64(e->sequence), "time_ms", hf_cli_json_u64(e->time_ms),
                                        "event", hf_event_kind_text(e->kind), "tenant", e->key.tenant, "id",
                                        id, "epoch", hf_cli_json_u64(e->epoch), "worker", e->worker, "detail",
                                        hf_cli_json_text(e->detail)));
      else
        printf("%-8llu %-16s %s%s%s epoch %llu %s%s%s\n", (unsigned long long)e->sequence,
               hf_event_kind_text(e->kind), e->key.tenant, id[0] != 0 ? "/" : "-", id, (unsigned long long)e->epoch,
               e->worker, e->detail[0] != 0 ? ": " : "", e->detail);
    }
  }
out:
  return hf_cli_pages_close(cli, &pages, "events", status);
}

/* Not what an aggregator still needs, unless that is said. */
static hf_status forget(hf_cli *cli, hf_queue *queue, uint64_t before, uint64_t *jobs, uint64_t *artifacts) {
  hf_status status;
  hf_cli_fold fold = {0};
  int lock = -1;
  if (hf_cli_flag(cli, "all")) return hf_queue_collect(queue, before, before, NULL, NULL, jobs, artifacts);
  HF_TRY(hf_cli_fold_open_seals(cli, &fold));
  HF_TRY(hf_cli_sealed_lock(fold.out, HF_SEALS_TO_READ, &lock));
  const hf_aggregator_options options = {
      .queue = queue, .tenant = hf_cli_text(cli, "tenant"), .ops = &hf_cli_fold_ops, .ops_context = &fold};
  HF_TRY(hf_aggregator_collect(&options, before, before, jobs, artifacts));
out:
  if (lock >= 0) close(lock);
  hf_cli_fold_close(&fold);
  return status;
}

static hf_status reap(hf_cli *cli) {
  hf_status status;
  hf_queue *queue = NULL;
  uint64_t changed, jobs = 0, artifacts = 0;
  HF_TRY(hf_cli_queue_open_there(cli, &queue));
  HF_TRY(hf_queue_reap(queue, &changed));
  if (hf_cli_given(cli, "forget")) {
    uint64_t before = ((uint64_t)time(NULL) - hf_cli_number(cli, "forget")) * 1000;
    HF_TRY(forget(cli, queue, before, &jobs, &artifacts));
  }
  if (cli->json)
    status = hf_cli_print_json(cli, json_pack("{s:o, s:o, s:o}", "changed", hf_cli_json_u64(changed),
                                              "jobs_forgotten", hf_cli_json_u64(jobs), "artifacts_removed",
                                              hf_cli_json_u64(artifacts)));
  else
    printf("%llu jobs changed, %llu forgotten, %llu artifacts removed\n", (unsigned long long)changed,
           (unsigned long long)jobs, (unsigned long long)artifacts);
out:
  hf_queue_close(&queue);
  return status;
}

/* What a tenant has; one that the queue does not know yet has a weight of 1 and the queue's own quota (0). */
static hf_status find_tenant(hf_queue *queue, const char *name, uint64_t *weight, uint64_t *quota) {
  hf_status status = HF_OK;
  hf_tenant_stats page[16];
  char after[HF_NAME_MAX + 1] = "";
  *weight = 1;
  *quota = 0;
  for (size_t count = 16; count == 16;) {
    HF_TRY(hf_queue_tenants(queue, after, page, 16, &count));
    for (size_t i = 0; i < count; i++) {
      if (strcmp(page[i].tenant, name) != 0) continue;
      *weight = page[i].weight;
      *quota = page[i].quota;
      return HF_OK;
    }
    if (count > 0) memcpy(after, page[count - 1].tenant, sizeof after);
  }
out:
  return status;
}

static hf_status tenant(hf_cli *cli) {
  hf_status status;
  hf_queue *queue = NULL;
  uint64_t weight, quota;
  HF_TRY(hf_cli_queue_open_there(cli, &queue));
  HF_TRY(find_tenant(queue, cli->arguments[0], &weight, &quota));
  if (hf_cli_given(cli, "weight")) weight = hf_cli_number(cli, "weight");
  if (hf_cli_given(cli, "quota")) quota = hf_cli_number(cli, "quota");
  if (weight > UINT32_MAX) HF_TRY(hf_fail(HF_E_ARGUMENT, "--weight is at most 1000000"));
  HF_TRY(hf_queue_set_tenant(queue, cli->arguments[0], (uint32_t)weight, quota));
  if (!cli->json)
    printf("%s: weight %llu, quota %llu%s\n", cli->arguments[0], (unsigned long long)weight, (unsigned long long)quota,
           quota == 0 ? " (the queue's)" : "");
  else
    status = hf_cli_print_json(cli, json_pack("{s:s, s:o, s:o}", "tenant", cli->arguments[0], "weight",
                                              hf_cli_json_u64(weight), "quota", hf_cli_json_u64(quota)));
out:
  hf_queue_close(&queue);
  return status;
}

static const hf_option plain_options[] = {HF_OPTION_DATA, HF_OPTION_QUEUE, HF_OPTION_END};
static const hf_option requeue_options[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    HF_OPTION_TENANT,
    {"deadline", HF_OPTION_NUMBER, "SECONDS", NULL, "a new deadline from now (default: none)"},
    HF_OPTION_END,
};
static const hf_option workers_options[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    {"within", HF_OPTION_NUMBER, "SECONDS", "60", "those seen in this time, and those in quarantine"},
    HF_OPTION_END,
};
static const hf_option events_options[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    {"after", HF_OPTION_LARGE, "N", "0", "only events with a larger sequence"},
    {"limit", HF_OPTION_NUMBER, "N", "1000", "at most so many"},
    HF_OPTION_END,
};
static const hf_option reap_options[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    {"forget", HF_OPTION_NUMBER, "SECONDS", NULL,
     "also forget jobs that ended longer ago, and their artifacts; not what the aggregator still needs"},
    {"tenant", HF_OPTION_TEXT, "NAME", "hyperfold", "the aggregator's"},
    {"out", HF_OPTION_TEXT, "FOLDER", NULL, "where its sealed proofs are (default: DATA/sealed)"},
    {"all", HF_OPTION_FLAG, NULL, NULL,
     "forget also batches that are in no sealed proof: right only where nothing is sealed from this queue"},
    HF_OPTION_END,
};
static const hf_option drain_options[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    {"reason", HF_OPTION_TEXT, "TEXT", "the operator drains it", "what clients are told"},
    {"wait", HF_OPTION_NUMBER, "SECONDS", "0", "until nothing is open, or so long (then exit status 5)"},
    {"end", HF_OPTION_FLAG, NULL, NULL, "take new work again"},
    HF_OPTION_END,
};
static const hf_option tenant_options[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    {"weight", HF_OPTION_NUMBER, "N", NULL, "share of the fleet, 1 to 1000000 (default: as it is; 1 for a new tenant)"},
    {"quota", HF_OPTION_NUMBER, "N", NULL, "open jobs at most; 0: the queue's own (default: the number in force)"},
    HF_OPTION_END,
};

const hf_command hf_queue_commands[] = {
    {.name = "stats", .summary = "jobs by state, counters, tenants", .options = plain_options, .run = stats},
    {.name = "dead", .summary = "dead letters with their failures", .options = plain_options, .run = dead},
    {.name = "requeue",
     .summary = "put a dead, failed or cancelled job back",
     .arguments = "ID",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = requeue_options,
     .run = requeue},
    {.name = "workers",
     .summary = "workers that were seen lately",
     .options = workers_options,
     .run = workers},
    {.name = "pardon",
     .summary = "forgive a worker its strikes, and let it work again",
     .arguments = "WORKER",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = plain_options,
     .run = pardon,
     .details = "A worker whose results were refused twice (job refuse) is quarantined: it gets no jobs, and its process "
                "ends with\nexit status 8. `queue workers` says why."},
    {.name = "drain",
     .summary = "take no new work, so that the queue runs empty; or take it again",
     .options = drain_options,
     .run = drain,
     .details = "Clients are told to try again later, with the reason. What was accepted is proven, folded and sealed. A worker drains\n"
                "by SIGTERM."},
    {.name = "events", .summary = "what happened, oldest first", .options = events_options, .run = events},
    {.name = "reap",
     .summary = "offer expired leases again, end what is past its deadline",
     .options = reap_options,
     .run = reap},
    {.name = "tenant",
     .summary = "set a tenant's weight and quota",
     .arguments = "NAME",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = tenant_options,
     .run = tenant},
    {.name = "usage",
     .summary = "read the meters of all tenants; sign the reading, check readings",
     .arguments = "[FILE [EARLIER]]",
     .min_arguments = 0,
     .max_arguments = 2,
     .options = hf_queue_usage_options,
     .run = hf_queue_usage_run,
     .details = "With --check and an earlier reading, what was used in between: an invoice. Meters are device time; billable is what\n"
                "was proved less what was refused. Exit status 4 for a reading that was changed, is signed by another key, does not come\n"
                "after the other, or whose meters have shrunk; 3 for readings of two stores."},
    {.name = "backup",
     .summary = "copy a local store that is in use",
     .arguments = "FOLDER",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = plain_options,
     .run = hf_queue_backup_run,
     .details = "FOLDER is made, and is a store: open it, or move it to where the lost one was. Damaged artifacts are left out\n"
                "(exit status 3)."},
    {.name = "restored",
     .summary = "after a store was put back from a copy: no lease is given under an epoch of before",
     .options = plain_options,
     .run = hf_queue_restored_run,
     .details = "For copies of a Redis server's files and snapshots of disks, before any worker comes. A copy by `queue backup` knows by\n"
                "itself."},
    {.name = "metrics",
     .summary = "the queue's figures for Prometheus, once or served",
     .options = hf_queue_metrics_options,
     .run = hf_queue_metrics_run,
     .details = "Prints them once; with --listen serves /metrics and /healthz until SIGTERM, and goes on while the queue is away. One of\n"
                "these an installation: a broker serves the same."},
    {.name = NULL},
};
