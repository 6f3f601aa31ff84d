/* The conformance suite of the queue: every line of queue/queue.h as a case that
 * knows a backend only through a factory. A backend's test file makes a factory
 * and runs all cases (see test_queue_local.c). */
#ifndef HF_TEST_QUEUE_CASES_H
#define HF_TEST_QUEUE_CASES_H

#include "queue.h"

typedef struct hf_queue_factory {
  /* Writes the location of a fresh, empty store. */
  void (*make)(char location[256]);
  void (*drop)(const char *location);
  /* Fails the test when the store is not sound. May be NULL. */
  void (*check)(const char *location);
} hf_queue_factory;

void hf_case_submit(const hf_queue_factory *factory);
void hf_case_placement(const hf_queue_factory *factory);
void hf_case_order(const hf_queue_factory *factory);
void hf_case_heartbeat(const hf_queue_factory *factory);
void hf_case_lost_worker(const hf_queue_factory *factory);
void hf_case_results(const hf_queue_factory *factory);
void hf_case_failures(const hf_queue_factory *factory);
void hf_case_refuse(const hf_queue_factory *factory);
void hf_case_refused_to_death(const hf_queue_factory *factory);
void hf_case_quarantine(const hf_queue_factory *factory);
void hf_case_refuse_at_once(const hf_queue_factory *factory);
void hf_case_release(const hf_queue_factory *factory);
void hf_case_cancel(const hf_queue_factory *factory);
void hf_case_deadline(const hf_queue_factory *factory);
void hf_case_long_job(const hf_queue_factory *factory);
void hf_case_flood(const hf_queue_factory *factory);
void hf_case_fairness(const hf_queue_factory *factory);
void hf_case_quota(const hf_queue_factory *factory);
void hf_case_drain(const hf_queue_factory *factory);
void hf_case_views(const hf_queue_factory *factory);
void hf_case_wait(const hf_queue_factory *factory);
void hf_case_artifacts(const hf_queue_factory *factory);
void hf_case_collect(const hf_queue_factory *factory);
void hf_case_collect_keeps(const hf_queue_factory *factory);
/* Copies the store that stands behind f (with its queue open) and gives where the copy can be opened; gone with the factory's drop. */
struct fixture;
typedef void (*hf_copy_store)(struct fixture *f, char location[256]);
void hf_case_copy(const hf_queue_factory *factory, hf_copy_store copy);
void hf_case_readings(const hf_queue_factory *factory);
/* With child processes and the system's clock. */
void hf_case_many_processes(const hf_queue_factory *factory);
/* SIGKILL at `kills` random moments. */
void hf_case_kill(const hf_queue_factory *factory, unsigned kills);

#endif
