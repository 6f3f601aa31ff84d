#include "metrics_common.h"
#include "queue_common.h"

#include <stdlib.h>
#include <string.h>

static hf_status open_queue(void *context, hf_queue **out) { return hf_cli_queue_open_patience(context, HF_WATCH_PATIENCE_MS, out); }

hf_status hf_cli_metrics_open(hf_cli *cli, const char *part, unsigned wants, hf_cli_metrics *out) {
  hf_status status;
  *out = (hf_cli_metrics){.cli = cli};
  if (!(wants & HF_METRICS_ALWAYS) && !hf_cli_given(cli, "metrics")) return HF_OK;
  out->data = hf_cli_data_path(cli, "");
  if (out->data == NULL) return hf_fail(HF_E_MEMORY, "no memory for a path");
  HF_TRY(hf_exporter_create(part, HF_VERSION, &out->exporter));
  HF_TRY(hf_exporter_check(out->exporter, "disk", hf_check_disk, out->data));
  if (wants & (HF_METRICS_QUEUE | HF_METRICS_WHOLE_QUEUE))
    HF_TRY(hf_queue_watch_create(out->exporter, open_queue, cli, (wants & HF_METRICS_WHOLE_QUEUE) != 0, &out->watch));
out:
  if (status != HF_OK) hf_cli_metrics_close(out);
  return status;
}

hf_status hf_cli_metrics_serve(hf_cli_metrics *metrics, const char *name) {
  hf_status status;
  hf_web_place place;
  char option[64], url[HF_WEB_URL_TEXT];
  if (metrics->exporter == NULL) return HF_OK;
  snprintf(option, sizeof option, "--%s", name);
  HF_TRY(hf_web_place_parse(option, hf_cli_text(metrics->cli, name), &place));
  HF_TRY(hf_exporter_serve(metrics->exporter, &place, &metrics->cli->log));
  hf_web_url(place.host, hf_exporter_port(metrics->exporter), url);
  hf_cli_say("metrics on %s/metrics", url);
out:
  return status;
}

void hf_cli_metrics_close(hf_cli_metrics *metrics) {
  hf_exporter_destroy(&metrics->exporter);
  hf_queue_watch_destroy(&metrics->watch);
  free(metrics->data);
  metrics->data = NULL;
}

bool hf_cli_metrics_before(void *context, const hf_web_request *request, hf_web_reply *reply) {
  return hf_exporter_answer(context, request, reply);
}
