/* hyperfold srs: the powers of tau behind every commitment. */
#include "commands.h"
#include "srs.h"

#include <stdio.h>

static json_t *srs_json(const hf_srs *srs) {
  return json_pack("{s:s, s:o, s:b}", "name", srs->name, "points", hf_cli_json_u64(srs->count), "development",
                   (int)srs->development);
}

static hf_status report(hf_cli *cli, const hf_srs *srs) {
  if (cli->json) return hf_cli_print_json(cli, srs_json(srs));
  printf("%s: %zu points%s\n", srs->name, srs->count,
         srs->development ? ", development: its secret is public" : "");
  return HF_OK;
}

static hf_status generate(hf_cli *cli) {
  hf_status status;
  hf_srs *srs = NULL;
  const char *out;
  uint64_t count = hf_cli_number(cli, "points");
  HF_TRY(hf_cli_need(cli, "out", &out));
  if (!hf_cli_flag(cli, "dev"))
    return hf_fail(HF_E_REFUSED,
                   "a generated SRS is for development: its secret is public, so its proofs convince "
                   "nobody; --dev says that this is understood, srs import takes a ceremony's");
  if (count < 2 || count > (uint64_t)1 << 28)
    return hf_fail(HF_E_ARGUMENT, "--points is from 2 to 2^28, not %llu", (unsigned long long)count);
  hf_cli_progress("generating the development SRS");
  HF_TRY(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, (size_t)count, (unsigned)hf_cli_number(cli, "threads"),
                         &srs));
  HF_TRY(hf_srs_save(out, srs));
  HF_TRY(report(cli, srs));
out:
  hf_cli_progress(NULL);
  hf_srs_destroy(&srs);
  return status;
}

static hf_status open_backend(const hf_cli *cli, hf_backend **out) {
  hf_backend_options options = {.threads = (unsigned)hf_cli_number(cli, "threads")};
  return hf_backend_create("cpu", &options, out);
}

static hf_status import(hf_cli *cli) {
  hf_status status;
  hf_srs *srs = NULL;
  hf_backend *backend = NULL;
  const char *out;
  HF_TRY(hf_cli_need(cli, "out", &out));
  HF_TRY(open_backend(cli, &backend));
  hf_cli_progress("importing and checking powers of tau");
  HF_TRY(hf_srs_import_ptau(cli->arguments[0], (size_t)hf_cli_number(cli, "points"), backend, &srs));
  HF_TRY(hf_srs_save(out, srs));
  HF_TRY(report(cli, srs));
out:
  hf_cli_progress(NULL);
  hf_srs_destroy(&srs);
  hf_backend_destroy(&backend);
  return status;
}

static hf_status info(hf_cli *cli) {
  hf_status status;
  hf_srs *srs = NULL;
  HF_TRY(hf_srs_load(cli->arguments[0], &srs));
  HF_TRY(report(cli, srs));
out:
  hf_srs_destroy(&srs);
  return status;
}

static hf_status check(hf_cli *cli) {
  hf_status status;
  hf_srs *srs = NULL;
  hf_backend *backend = NULL;
  bool ok = false;
  HF_TRY(open_backend(cli, &backend));
  HF_TRY(hf_srs_load(cli->arguments[0], &srs));
  HF_TRY(hf_srs_check(srs, backend, &ok));
  if (cli->json) {
    json_t *document = srs_json(srs);
    json_object_set_new(document, "valid", json_boolean(ok));
    HF_TRY(hf_cli_print_json(cli, document));
  } else if (ok) {
    printf("valid: %zu consecutive powers\n", srs->count);
  }
  if (!ok) status = hf_fail_context(HF_E_VERIFY, "%s", cli->arguments[0]);
out:
  hf_srs_destroy(&srs);
  hf_backend_destroy(&backend);
  return status;
}

#define THREADS                                                                                              \
  { "threads", HF_OPTION_NUMBER, "N", "0", "CPU threads; 0: as many as there are cores" }

static const hf_option generate_options[] = {
    {"out", HF_OPTION_TEXT, "FILE", NULL, "where to write it"},
    {"points", HF_OPTION_NUMBER, "N", "1048608", "powers in G1: kappa * (rows + 4) for a circuit; a seal needs the default"},
    {"dev", HF_OPTION_FLAG, NULL, NULL, "say that an insecure SRS is wanted"},
    THREADS,
    HF_OPTION_END,
};
static const hf_option import_options[] = {
    {"out", HF_OPTION_TEXT, "FILE", NULL, "where to write it"},
    {"points", HF_OPTION_NUMBER, "N", "0", "powers in G1 to take; 0: all"},
    THREADS,
    HF_OPTION_END,
};
static const hf_option check_options[] = {THREADS, HF_OPTION_END};

const hf_command hf_srs_commands[] = {
    {.name = "generate",
     .summary = "make the development SRS (insecure, the same everywhere)",
     .options = generate_options,
     .run = generate},
    {.name = "import",
     .summary = "take and check a ceremony's powers of tau (.ptau)",
     .arguments = "PTAU",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = import_options,
     .run = import},
    {.name = "info",
     .summary = "what an SRS file holds",
     .arguments = "FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .run = info},
    {.name = "check",
     .summary = "check that an SRS file holds consecutive powers of one secret",
     .arguments = "FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = check_options,
     .run = check},
    {.name = NULL},
};
