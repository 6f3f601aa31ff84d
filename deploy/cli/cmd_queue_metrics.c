/* hyperfold queue metrics: a queue's figures for Prometheus, for whoever watches it. */
#include "commands.h"
#include "metrics_common.h"
#include "queue_common.h"
#include "signals.h"

#include <stdio.h>
#include <unistd.h>

/* With --json the text is a string in a document. */
static hf_status print(hf_cli *cli, hf_cli_metrics *shown) {
  hf_status status;
  hf_writer text = {0};
  HF_TRY(hf_metrics_write(hf_exporter_metrics(shown->exporter), &text));
  hf_write_u8(&text, 0);
  HF_TRY(hf_writer_status(&text));
  if (cli->json)
    HF_TRY(hf_cli_print_json(cli, json_pack("{s:s, s:o}", "type", HF_METRICS_TYPE, "text", hf_cli_json_text((const char *)text.data))));
  else
    fputs((const char *)text.data, stdout);
out:
  hf_writer_free(&text);
  return status;
}

hf_status hf_queue_metrics_run(hf_cli *cli) {
  hf_status status;
  hf_cli_metrics shown = {0};
  hf_cli_catch_signals();
  cli->log.part = "queue";
  HF_TRY(hf_cli_metrics_open(cli, "queue", HF_METRICS_WHOLE_QUEUE | HF_METRICS_ALWAYS, &shown));
  if (!hf_cli_given(cli, "listen")) {
    HF_TRY(print(cli, &shown));
    goto out;
  }
  HF_TRY(hf_cli_metrics_serve(&shown, "listen"));
  while (!hf_cli_stopped()) (void)usleep(200000);
out:
  hf_cli_metrics_close(&shown);
  return status;
}

const hf_option hf_queue_metrics_options[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    {"listen", HF_OPTION_TEXT, "[HOST:]PORT", NULL, "serve them there; 0: any free port"},
    HF_OPTION_END,
};
