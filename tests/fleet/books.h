/* What a fleet's faults cost, from the queue's own events: whether its counters agree with them and with the
 * taker's book, and how long what was lost stood still. */
#ifndef HF_TEST_FLEET_BOOKS_H
#define HF_TEST_FLEET_BOOKS_H

#include "fleet.h"

/* A lease whose worker was killed: looked up right after the kill. */
typedef struct books_loss {
  hf_job_key key;
  uint64_t epoch, killed_ms, expires_ms;
} books_loss;

typedef struct books_outage {
  uint64_t killed_ms, back_ms; /* the server answers again */
} books_outage;

typedef struct books {
  books_loss *losses;
  size_t loss_count;
  books_outage *outages;
  size_t outage_count;
} books;

void books_free(books *b);
/* After fleet_worker_kill: notes what it had in hand. */
void books_killed(books *b, fleet *f, const char *worker);
void books_outage_add(books *b, uint64_t killed_ms, uint64_t back_ms);

/* Times in milliseconds. */
typedef struct samples {
  double *ms;
  size_t count;
} samples;
void samples_add(samples *s, double ms);
/* The value that the part `q` of the samples does not exceed; 0 without samples. Sorts. */
double samples_at(samples *s, double q);

typedef struct books_figures {
  samples again; /* from a worker's SIGKILL to the next lease of its job, time without a server not counted */
  samples late;  /* from the end of its lease to the next one, the same */
  samples first; /* from a server's return to the first lease */
} books_figures;
void books_figures_free(books_figures *figures);

/* The taker's book, the events and the counters tell the same story: each of f->jobs jobs was submitted and
 * done once, its result is the one that the taker verified, no lease's epoch was given twice, no attempt was
 * charged. After fleet_taker_end. */
void books_agree(fleet *f);
void books_measure(const books *b, const fleet *f, books_figures *out);

/* Appends a result to the report HF_FLEET_RESULTS, where that is set (bench/report.h): "fleet/NAME", on the
 * engine; `size` jobs; pairs of a name and a double, NULL at the end. */
void books_report(const char *name, const engine_kind *kind, unsigned size, unsigned workers,
                  const samples *times, ...) __attribute__((sentinel));

#endif
