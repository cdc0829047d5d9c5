// SPDX-License-Identifier: Apache-2.0
// The frozen part of a graph: what training leaves as it is, so that its output for a sample never changes.
#ifndef FOVEA_GRAPH_FROZEN_H
#define FOVEA_GRAPH_FROZEN_H

#include "graph/graph.h"

// The node where the frozen part that begins with `input` ends: no trainable weight and no random draw lies before it,
// and everything after it on the way to `output` sees the input through it alone. `input` itself where the first
// layer is trained.
fv_status fv__graph_frozen_end(const fv__graph *graph, int input, int output, int *end, fv_error *error);

// Makes `node` an input, which values are rendered to; what led to it is no longer reached.
fv_status fv__graph_cut(fv__graph *graph, int node, fv_error *error);

#endif
