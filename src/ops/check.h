// SPDX-License-Identifier: Apache-2.0
// What every infer checks, with the same words.
#ifndef FOVEA_OPS_CHECK_H
#define FOVEA_OPS_CHECK_H

#include "ops/op.h"

// Rank and sizes are possible at all.
fv_status fv__op_expect_sizes(const fv__shape *shape, const char *op, fv_error *error);

// `names` is the inputs in words, e.g. "x, gamma and beta".
fv_status fv__op_expect_inputs(const fv__op_node *node, const char *op, int least, int most, const char *names,
                               fv_error *error);

// Input i depends on the sample: it has a batch axis, and rank least … most.
fv_status fv__op_expect_sample(const fv__op_node *node, const char *op, int i, const char *name, int least, int most,
                               fv_error *error);

// Input i is a weight of just this shape.
fv_status fv__op_expect_weight(const fv__op_node *node, const char *op, int i, const char *name, fv__shape shape,
                               fv_error *error);

// The last size of a shape, and the product of those before it: an array seen as rows of features.
int fv__shape_features(const fv__shape *shape);
int fv__shape_rows(const fv__shape *shape);

// For ops that do about one operation for each value they write.
double fv__op_one_each(const fv__op_node *node);

#endif
