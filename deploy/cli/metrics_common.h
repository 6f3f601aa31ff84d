/* --metrics: what a role shows of itself to Prometheus and to whoever asks whether it is well (deploy/metrics). */
#ifndef HF_METRICS_COMMON_H
#define HF_METRICS_COMMON_H

#include "cli.h"
#include "queue_watch.h"

typedef struct hf_cli_metrics {
  hf_cli *cli;
  hf_exporter *exporter; /* NULL: nobody asked for it, and nothing below does anything */
  hf_queue_watch *watch;
  char *data; /* the folder whose disk is watched */
} hf_cli_metrics;

enum {
  HF_METRICS_QUEUE = 1,       /* the check "queue": of --queue, over a handle of its own */
  HF_METRICS_WHOLE_QUEUE = 2, /* and all that the queue knows: where it is asked for once in an installation */
  HF_METRICS_ALWAYS = 4,      /* also without --metrics, which the command may lack */
};

/* With --metrics an exporter with the checks "disk" (of --data) and "queue". `part` is the role, static. */
hf_status hf_cli_metrics_open(hf_cli *cli, const char *part, unsigned wants, hf_cli_metrics *out);
/* Serves at the place of option `name`, and says on stderr where. */
hf_status hf_cli_metrics_serve(hf_cli_metrics *metrics, const char *name);
void hf_cli_metrics_close(hf_cli_metrics *metrics); /* a zeroed one is fine */

/* For hf_http_options.before: the context is a hf_exporter. */
bool hf_cli_metrics_before(void *context, const hf_web_request *request, hf_web_reply *reply);

#define HF_OPTION_METRICS                                                                                    \
  { "metrics", HF_OPTION_TEXT, "[HOST:]PORT", NULL, "serve /metrics and /healthz there (default: nowhere; a port alone is on 127.0.0.1)" }

#endif
