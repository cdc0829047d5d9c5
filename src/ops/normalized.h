// What layer_norm and norm_l share: all but whether ε stands beside the variance or beside the deviation.
#ifndef FOVEA_OPS_NORMALIZED_H
#define FOVEA_OPS_NORMALIZED_H

#include "ops/op.h"

fv_status fv__normalized_infer(fv__op_node *node, const char *op, fv_error *error);
uint32_t fv__normalized_reads(const fv__op_node *node);
void fv__normalized_needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                          fv__op_needs *needs);
void fv__normalized_forward(const fv__call *call, bool beside_deviation);
void fv__normalized_backward(const fv__call *call);
double fv__normalized_multiply_adds(const fv__op_node *node);

#endif
