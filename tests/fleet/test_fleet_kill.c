/* Workers and the engine's server are killed, over and over, while a client submits and a taker verifies:
 * every job has one result, which verifies, and what was lost runs again soon. 500 jobs, the server 3 times;
 * 10,000 and 20 times with HF_SOAK=1. */
#include "books.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS         (hf_soak() ? 10000u : 500u)
#define SERVER_KILLS (hf_soak() ? 20u : 3u)
#define SPREAD_MS    (hf_soak() ? 300000u : 12000u) /* of the client's submissions */
#define KILL_MS      (hf_soak() ? 2000u : 1500u)    /* between two kills of a worker */
#define LEASE_S      2u

static fleet f;
static books b;

static void finish(void) {
  fleet_close(&f);
  books_free(&b);
}
TestSuite(fleet_kill, .fini = finish);

static void kill_server(void) {
  uint64_t killed = fleet_now_ms();
  engine_kill(&f.engine);
  fleet_pause(500);
  engine_again(&f.engine);
  books_outage_add(&b, killed, fleet_now_ms());
}

/* A worker that has a job in hand, if there is one: its place, or -1. */
static int at_work(void) {
  hf_job_record record;
  size_t count;
  hf_job_filter filter = {.state_mask = 1u << HF_JOB_LEASED, .newest_first = true};
  OK(hf_queue_list(f.queue, &filter, &record, 1, &count));
  for (int i = 0; count > 0 && i < FLEET_WORKERS; i++)
    if (strcmp(f.workers[i].name, record.worker) == 0) return i;
  return -1;
}

static void kills(const engine_kind *kind) {
  unsigned server_kills = kind->start != NULL ? SERVER_KILLS : 0, servers = 0, workers = 0;
  fleet_open(&f, kind, NULL, LEASE_S);
  for (unsigned i = 0; i < FLEET_WORKERS; i++) fleet_worker_start(&f, i, "");
  double began = fleet_seconds(), next = began + 1;
  fleet_client(&f, JOBS, SPREAD_MS);
  while (atomic_load(&f.verified) < JOBS || servers < server_kills) {
    fleet_check(&f);
    fleet_alive(&f);
    cr_assert(fleet_seconds() - began < 60 + 4.0 * SPREAD_MS / 1000, "%u of %u jobs are proven",
              atomic_load(&f.verified), JOBS);
    if (servers < server_kills && atomic_load(&f.verified) >= (servers + 1) * (JOBS / (server_kills + 1))) {
      kill_server();
      servers++;
    }
    /* Not those who have the last ones, over and over. */
    int place = fleet_seconds() >= next && atomic_load(&f.submitted) < JOBS ? at_work() : -1;
    if (place >= 0) {
      char name[sizeof f.workers[0].name];
      strcpy(name, f.workers[place].name);
      fleet_worker_kill(&f, (unsigned)place);
      books_killed(&b, &f, name);
      fleet_worker_start(&f, (unsigned)place, "");
      workers++;
      next = fleet_seconds() + KILL_MS / 1000.0;
    }
    fleet_pause(5);
  }
  double seconds = fleet_seconds() - began;
  fleet_stop(&f);
  fleet_taker_end(&f);
  books_agree(&f);
  /* What the workers said: nobody handed in a second result; who was killed may have said nothing. */
  unsigned said = fleet_logs_count(&f, "\"outcome\":\"accepted\"");
  cr_assert(said <= JOBS && said + workers >= JOBS, "%u acceptances in the workers' logs", said);
  cr_assert(workers > 2);

  books_figures figures;
  books_measure(&b, &f, &figures);
  fprintf(stderr,
          "fleet/kill %s: %u jobs, %u workers on 2^8 rows, %u killed with %zu jobs in hand, the server %u "
          "times: %u results "
          "verified, none lost, none twice, %.0f s; a killed worker's job runs again after %.2f s (p99 %.2f, "
          "lease %u s), "
          "%.2f s after the lease (p99 %.2f); first lease after the server's return %.2f s (most %.2f)\n",
          kind->name, JOBS, FLEET_WORKERS, workers, b.loss_count, servers, atomic_load(&f.verified), seconds,
          samples_at(&figures.again, 0.5) / 1000, samples_at(&figures.again, 0.99) / 1000, LEASE_S,
          samples_at(&figures.late, 0.5) / 1000, samples_at(&figures.late, 0.99) / 1000,
          samples_at(&figures.first, 0.5) / 1000, samples_at(&figures.first, 1) / 1000);
  /* Promised are 1 s and 5 s; a machine with other work is given more. */
  cr_assert(samples_at(&figures.late, 0.99) < 5000, "a lost job waited %.0f ms",
            samples_at(&figures.late, 0.99));
  cr_assert(samples_at(&figures.first, 1) < 15000);
  if (figures.again.count > 0)
    books_report("kill", kind, JOBS, FLEET_WORKERS, &figures.again, "seconds", seconds, "workers_killed",
                 (double)workers, "jobs_in_hand", (double)b.loss_count, "server_killed", (double)servers,
                 "again_p50_ms", samples_at(&figures.again, 0.5), "again_p99_ms",
                 samples_at(&figures.again, 0.99), "after_lease_p50_ms", samples_at(&figures.late, 0.5),
                 "after_lease_p99_ms", samples_at(&figures.late, 0.99), "lease_ms", LEASE_S * 1000.0,
                 "first_lease_p50_ms", samples_at(&figures.first, 0.5), "first_lease_most_ms",
                 samples_at(&figures.first, 1), NULL);
  books_figures_free(&figures);
}

Test(fleet_kill, local) { kills(&engine_local); }
Test(fleet_kill, redis) { kills(&engine_redis); }
Test(fleet_kill, zmq) { kills(&engine_zmq); }
