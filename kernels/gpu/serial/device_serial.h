/* The kernels as plain C, one thread: what tests and sanitizers see. */
#ifndef HF_DEVICE_SERIAL_H
#define HF_DEVICE_SERIAL_H
#include "gpu/device.h"

hf_status hf_serial_device_open(hf_gpu_device **out);

#endif
