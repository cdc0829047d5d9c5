// SPDX-License-Identifier: Apache-2.0
// Event files, which TensorBoard shows while training goes on: a series of records, each a number or a picture with a
// tag and a step.
//
// A record of the file (TFRecord, tensorflow/core/lib/io/record_writer.cc):
//   uint64 length | uint32 masked CRC-32C of the length | bytes | uint32 masked CRC-32C of the bytes     little-endian
// where masked(crc) is crc rotated right by 15 bits plus 0xA282EAD8. The bytes are an Event in protobuf's wire format
// (tensorflow/core/util/event.proto, framework/summary.proto); the first one says "brain.Event:2".
#ifndef FOVEA_REPORT_TENSORBOARD_H
#define FOVEA_REPORT_TENSORBOARD_H

#include "base/error.h"

typedef struct fv__tensorboard fv__tensorboard;

// Begins another file in `folder`, which is made if need be; TensorBoard joins the files of a folder.
fv_status fv__tensorboard_open(const char *folder, fv__tensorboard **out, fv_error *error);

// A failure is remembered and reported by the next flush.
void fv__tensorboard_number(fv__tensorboard *board, const char *tag, uint64_t step, double value);
void fv__tensorboard_png(fv__tensorboard *board, const char *tag, uint64_t step, const uint8_t *bytes, size_t size);

// Makes sure that what was written can be read.
fv_status fv__tensorboard_flush(fv__tensorboard *board, fv_error *error);

void fv__tensorboard_close(fv__tensorboard *board); // NULL is fine

#endif
