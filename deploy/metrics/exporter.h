/* What a role shows of itself over HTTP: GET /metrics (metrics.h) and GET /healthz.
 *
 *   hf_exporter_create(&exporter);
 *   hf_metrics_add(hf_exporter_metrics(exporter), &spec, &family);
 *   hf_exporter_check(exporter, "queue", look, context);
 *   hf_exporter_serve(exporter, &place, log);
 *
 * /healthz is 200 {"status":"ok","checks":[{"name":"queue","ok":true}]} when every check is well, and otherwise 503 with the reason
 * of each that is not. The same stands in the metrics as hyperfold_health{check}. Checks are asked at most once in a second, one
 * after the other, and should end within a few.
 *
 * What it serves names chains, tenants and devices, and no secret; it listens on this machine alone unless it is told otherwise. */
#ifndef HF_EXPORTER_H
#define HF_EXPORTER_H

#include "metrics.h"
#include "web.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HF_CHECKS_MAX 16

typedef struct hf_exporter hf_exporter;

/* With what is known of every process: version, start, CPU, memory, open files. `version` and `part` ("worker") are static. */
hf_status hf_exporter_create(const char *part, const char *version, hf_exporter **out);
void hf_exporter_destroy(hf_exporter **exporter); /* NULL is allowed; stops serving first */

hf_metrics *hf_exporter_metrics(hf_exporter *exporter);

/* `look` says HF_OK, or anything else with its reason (hf_fail). `name` is copied: at most 31 of a-z, 0-9, - and _.
 * HF_E_ARGUMENT, HF_E_RANGE: too many. */
hf_status hf_exporter_check(hf_exporter *exporter, const char *name, hf_status (*look)(void *context), void *context);

/* Fails when the file system of a folder has less than 1 GiB and less than a twentieth of itself left for us. `context` is the
 * folder's name. */
hf_status hf_check_disk(void *context);
/* The same with another limit in bytes. */
hf_status hf_check_disk_left(const char *folder, uint64_t least);

/* Answers /metrics and /healthz; false: the request is for something else. Any thread may ask. */
bool hf_exporter_answer(hf_exporter *exporter, const hf_web_request *request, hf_web_reply *reply);

/* Serves until it is destroyed; errors of hf_web_start. What it needs must have been added before. */
hf_status hf_exporter_serve(hf_exporter *exporter, const hf_web_place *place, const hf_logger *log);
uint16_t hf_exporter_port(const hf_exporter *exporter); /* 0: it does not serve */

#ifdef __cplusplus
}
#endif
#endif
