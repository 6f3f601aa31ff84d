/* hyperfold device: what this machine can prove on, and whether it computes rightly. */
#include "commands.h"
#include "device_common.h"

#include <stdio.h>
#include "maker.h"

#define DEVICES_LISTED 16

static json_t *device_json(const char *name, const hf_backend_device *d) {
  return json_pack("{s:s, s:o, s:o, s:o, s:i}", "device", name, "name", hf_cli_json_text(d->name), "driver",
                   hf_cli_json_text(d->driver), "memory_bytes", hf_cli_json_u64(d->memory), "units", (int)d->units);
}

/* Every backend with its devices, or with the reason why it has none. */
static hf_status list(hf_cli *cli) {
  hf_status status = HF_OK;
  json_t *devices = json_array(), *missing = json_array();
  const char *backend;
  for (size_t b = 0; (backend = hf_backend_name(b)) != NULL; b++) {
    hf_backend_device found[DEVICES_LISTED];
    size_t count = 0;
    if (hf_backend_devices(backend, NULL, found, DEVICES_LISTED, &count) != HF_OK) {
      json_array_append_new(missing, json_pack("{s:s, s:o}", "backend", backend, "reason", hf_cli_json_text(hf_error_message())));
      if (!cli->json) printf("%-10s none: %s\n", backend, hf_error_message());
      continue;
    }
    for (size_t i = 0; i < count && i < DEVICES_LISTED; i++) {
      char name[64];
      if (b == 0) /* the CPU is one, and what follows its colon is a code path */
        snprintf(name, sizeof name, "%s", backend);
      else
        snprintf(name, sizeof name, "%s:%zu", backend, i);
      json_array_append_new(devices, device_json(name, &found[i]));
      if (!cli->json)
        printf("%-10s %s; driver %s; %.1f GiB, %u units\n", name, found[i].name, found[i].driver,
               (double)found[i].memory / (1 << 30), found[i].units);
    }
  }
  if (cli->json) HF_TRY(hf_cli_print_json(cli, json_pack("{s:O, s:O}", "devices", devices, "missing", missing)));
out:
  json_decref(devices);
  json_decref(missing);
  return status;
}

/* Known answers of every operation, and what one multiplication costs. */
static hf_status selftest(hf_cli *cli) {
  hf_status status;
  hf_backend *backend = NULL;
  hf_backend_options options = {.threads = (unsigned)hf_cli_number(cli, "threads")};
  const char *name = hf_cli_text(cli, "device");
  double ns = 0, began = hf_cli_now();
  HF_TRY(hf_backend_create(name, &options, &backend));
  double opened = hf_cli_now();
  HF_TRY(hf_backend_selftest(backend));
  double tested = hf_cli_now();
  HF_TRY(HF_BACKEND_DO(backend, multiplication_ns, &ns));
  if (cli->json)
    HF_TRY(hf_cli_print_json(cli, json_pack("{s:s, s:o, s:f, s:f, s:f}", "device", name, "variant",
                                            hf_cli_json_text(hf_backend_variant(backend)), "open_seconds", opened - began,
                                            "selftest_seconds", tested - opened, "multiplication_ns", ns)));
  else
    printf("%s (%s): opened in %.2f s, known answers of every operation in %.2f s; one multiplication in Fr %.4f ns\n", name,
           hf_backend_variant(backend), opened - began, tested - opened, ns);
out:
  hf_backend_destroy(&backend);
  return status;
}

/* What a worker starts, with the other end of descriptor HF_MAKER_DESCRIPTOR. */
static hf_status serve(hf_cli *cli) {
  hf_status status;
  hf_cli_device device = {0};
  hf_maker *maker = NULL;
  cli->printed = true; /* stdout is the worker's */
  cli->log.part = "prover";
  HF_TRY(hf_cli_device_open(cli, (size_t)hf_cli_number(cli, "srs-points"), &device));
  HF_TRY(hf_backend_selftest(device.backend)); /* known answers, before anybody's job */
  hf_maker_options options = {.backend = device.backend,
                              .srs = device.srs,
                              .keys = device.keys,
                              .threads = (unsigned)hf_cli_number(cli, "threads")};
  HF_TRY(hf_maker_local(&options, &maker));
  HF_TRY(hf_maker_serve(maker, (unsigned)hf_cli_number(cli, "lanes")));
out:
  hf_maker_destroy(&maker);
  hf_cli_device_close(&device);
  return status;
}

static const hf_option serve_options[] = {
    HF_OPTION_DATA,
    HF_OPTIONS_DEVICE,
    {"lanes", HF_OPTION_NUMBER, "N", "1", "jobs at a time"},
    {"srs-points", HF_OPTION_NUMBER, "N", "0", "make the development SRS at least this large; 0: as it is"},
    {NULL, HF_OPTION_FLAG, NULL, NULL, NULL},
};
static const hf_option list_options[] = {{NULL, HF_OPTION_FLAG, NULL, NULL, NULL}};
static const hf_option selftest_options[] = {
    HF_OPTION_DEVICE,
    {"threads", HF_OPTION_NUMBER, "N", "0", "CPU threads; 0: as many as there are cores"},
    {NULL, HF_OPTION_FLAG, NULL, NULL, NULL},
};

const hf_command hf_device_commands[] = {
    {.name = "list", .summary = "devices of every backend, or why it has none", .options = list_options, .run = list},
    {.name = "selftest",
     .summary = "known answers of every operation on a device",
     .options = selftest_options,
     .run = selftest},
    {.name = "serve",
     .summary = "make proofs for the worker that started this",
     .options = serve_options,
     .run = serve,
     .details = "Started by \"hyperfold worker\" for devices other than the CPU; ends when the worker does."},
    {.name = NULL},
};
