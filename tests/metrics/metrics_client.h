/* Asking a role that serves metrics, from tests. All of it fails the test when it does not come to what is wanted. */
#ifndef HF_METRICS_CLIENT_H
#define HF_METRICS_CLIENT_H

#include "exposition.h"

#include <stdint.h>

/* The port that a role has said in its log; waits for it. */
uint16_t metrics_port(const char *log);
/* What it shows now; exposition_free. */
void metrics_read(uint16_t port, exposition *out);
/* Waits until the sum of a metric (exposition_sum) is this. */
void metrics_wait(uint16_t port, const char *name, const char *label, const char *value, double wanted);
/* Waits until /healthz has this code and text. */
void metrics_expect_health(uint16_t port, int code, const char *holds);
/* Lets promtool check what is shown; without promtool says so. */
void metrics_promtool(uint16_t port);

#endif
