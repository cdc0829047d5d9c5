// SPDX-License-Identifier: Apache-2.0
// Multi-head attention as a direct call (Vaswani et al. 2017): what the public functions check, run and copy. Graph and
// plan (plan.c) are kept for the next call of the same shapes; the weights live next to them.
#include <string.h>

#include "attention/attention.h"
#include "base/memory.h"
#include "base/options.h"
#include "layers/layer.h"

enum { MOST_FEATURES = 1 << 15, MOST_HEADS = 1024, MOST_THREADS = 1024 };

// One call: what the plan reads.
typedef struct call_data {
    const fv__attention_plan *prepared;
    const float *inputs[FV__ATTENTION_INPUTS];
    const fv_mask *mask;
} call_data;

// --- The layer

static fv_status check_options(const fv_attention_options *options, fv_error *error) {
    const int widths[] = {options->query_width, options->key_width, options->value_width};
    if (options->d_model < 1 || options->d_model > MOST_FEATURES) {
        return fv__fail(error, FV_INVALID, "attention: d_model is %d, but must be 1 to %d", options->d_model,
                        MOST_FEATURES);
    }
    if (options->heads < 1 || options->heads > MOST_HEADS) {
        return fv__fail(error, FV_INVALID, "attention: heads is %d, but must be 1 to %d", options->heads, MOST_HEADS);
    }
    if (options->d_model % options->heads) {
        return fv__fail(error, FV_INVALID,
                        "attention: d_model %d cannot be divided into %d heads; numbers of heads that fit: %s",
                        options->d_model, options->heads, fv__divisors_print(options->d_model, options->d_model).text);
    }
    for (int i = 0; i < 3; i++) {
        if (widths[i] < 0 || widths[i] > MOST_FEATURES) {
            return fv__fail(error, FV_INVALID, "attention: %s_width is %d, but must be 1 to %d, or 0 for d_model",
                            fv__attention_input_names[i], widths[i], MOST_FEATURES);
        }
    }
    if (options->threads < 0 || options->threads > MOST_THREADS) {
        return fv__fail(error, FV_INVALID, "attention: threads is %d, but must be 1 to %d, or 0 for as many as allowed",
                        options->threads, MOST_THREADS);
    }
    return FV_OK;
}

static fv_attention_parameters parameters_in(const fv_attention *attention, float *slab) {
    const size_t *at = attention->offsets;
    return (fv_attention_parameters){slab + at[0], slab + at[1], slab + at[2], slab + at[3],
                                     slab + at[4], slab + at[5], slab + at[6], slab + at[7]};
}

static int width_or(int width, int usual) {
    return width ? width : usual;
}

// The trained arrays, where every graph of this layer has them.
static fv_status make_arrays(fv_attention *attention, fv_error *error) {
    fv__graph graph;
    int nodes[FV__ATTENTION_ARRAYS];
    fv_status status = FV_OK;
    fv__graph_init(&graph);
    FV__TRY_OR_DONE(fv__attention_add_arrays(attention, &graph, nodes, error));
    attention->count = graph.weight_count;
    attention->values = fv__alloc_array(graph.weight_count, sizeof(float));
    attention->gradients = fv__alloc_array(graph.weight_count, sizeof(float));
    FV__TRY_OR_DONE(attention->values && attention->gradients ? FV_OK : fv__fail_memory(error, "the attention layer"));
    fv__graph_initialize(&graph, attention->options.seed, attention->values);
    for (int i = 0; i < FV__ATTENTION_ARRAYS; i++) {
        attention->offsets[i] = graph.parameters[i].offset;
    }
    attention->parameters = parameters_in(attention, attention->values);
    attention->parameter_gradients = parameters_in(attention, attention->gradients);
done:
    fv__graph_free(&graph);
    return status;
}

fv_status fv_attention_create(const fv_attention_options *options, fv_attention **out, fv_error *error) {
    *out = NULL;
    FV__TAKE(fv_attention_options, options, error);
    FV__TRY(check_options(&own, error));
    fv_attention *attention = fv__alloc(sizeof *attention);
    if (!attention) {
        return fv__fail_memory(error, "the attention layer");
    }
    attention->options = own;
    attention->widths[FV__QUERY] = width_or(own.query_width, own.d_model);
    attention->widths[FV__KEY] = width_or(own.key_width, own.d_model);
    attention->widths[FV__VALUE] = width_or(own.value_width, own.d_model);
    const fv_status status = make_arrays(attention, error);
    if (status) {
        fv_attention_free(attention);
        return status;
    }
    *out = attention;
    return FV_OK;
}

void fv_attention_free(fv_attention *attention) {
    if (attention) {
        fv__attention_drop(&attention->forward);
        fv__attention_drop(&attention->backward);
        fv__runner_stop(&attention->runner);
        fv__free(attention->values);
        fv__free(attention->gradients);
        fv__free(attention);
    }
}

const fv_attention_parameters *fv_attention_get_parameters(fv_attention *attention) {
    return &attention->parameters;
}

const fv_attention_parameters *fv_attention_get_gradients(fv_attention *attention) {
    return &attention->parameter_gradients;
}

// --- Calls

static fv_status check_mask(const fv_attention *attention, const fv_mask *mask, fv__attention_shapes *shapes,
                            fv_error *error) {
    const int full[4] = {shapes->batch, attention->options.heads, shapes->queries, shapes->keys};
    fv__shape shape = {.rank = mask->rank};
    bool fits = mask->values && mask->rank >= 1 && mask->rank <= 4;
    for (int i = 0; fits && i < mask->rank; i++) {
        shape.size[i] = mask->shape[i];
    }
    for (int i = 1; fits && i <= mask->rank; i++) {
        int size = mask->shape[mask->rank - i];
        fits = size == 1 || size == full[4 - i];
    }
    if (!fits) {
        return fv__fail(error, FV_INVALID,
                        "attention: the mask %s does not broadcast to (batch, heads, queries, keys) = (%d, %d, %d, %d)",
                        !mask->values                      ? "without values"
                        : mask->rank < 1 || mask->rank > 4 ? "of a rank that is not 1 to 4"
                                                           : fv__shape_print(&shape).text,
                        full[0], full[1], full[2], full[3]);
    }
    for (int axis = 1; axis < 4; axis++) {
        int own = axis - (4 - mask->rank);
        shapes->mask[axis - 1] = own < 0 ? 1 : mask->shape[own];
    }
    shapes->masked = true;
    return FV_OK;
}

static fv_status check_inputs(const fv_attention *attention, const fv_tokens inputs[3], const fv_mask *mask,
                              fv__attention_shapes *shapes, fv_error *error) {
    for (int i = 0; i < 3; i++) {
        const fv_tokens *x = &inputs[i];
        if (!x->values || x->batch < 1 || x->tokens < 1 || x->tokens > FV__MAX_TOKENS) {
            return fv__fail(error, FV_INVALID, "attention: the %s has %d samples of %d tokens%s; 1 to %d tokens fit",
                            fv__attention_input_names[i], x->batch, x->tokens, x->values ? "" : " and no values",
                            FV__MAX_TOKENS);
        }
        if (x->width != attention->widths[i]) {
            return fv__fail(error, FV_INVALID, "attention: the %s has %d features, but the layer was made for %d",
                            fv__attention_input_names[i], x->width, attention->widths[i]);
        }
        if (x->batch != inputs[FV__QUERY].batch) {
            return fv__fail(error, FV_INVALID, "attention: the query has %d samples, the %s %d; they must agree",
                            inputs[FV__QUERY].batch, fv__attention_input_names[i], x->batch);
        }
    }
    if (inputs[FV__KEY].tokens != inputs[FV__VALUE].tokens) {
        return fv__fail(error, FV_INVALID, "attention: the key has %d tokens, the value %d; they must agree",
                        inputs[FV__KEY].tokens, inputs[FV__VALUE].tokens);
    }
    shapes->batch = inputs[FV__QUERY].batch;
    shapes->queries = inputs[FV__QUERY].tokens;
    shapes->keys = inputs[FV__KEY].tokens;
    return mask ? check_mask(attention, mask, shapes, error) : FV_OK;
}

static fv_status render(void *context, int input, int first, int count, int worker, float *out, fv_error *error) {
    const call_data *data = context;
    (void)worker;
    (void)error;
    const size_t n = fv__shape_elements(fv__graph_shape(&data->prepared->graph, input));
    if (input == data->prepared->inputs[FV__MASK]) {
        const bool same_for_all = data->mask->rank < 4 || data->mask->shape[0] == 1;
        for (int sample = first; sample < first + count; sample++, out += n) {
            const int32_t *from = data->mask->values + (same_for_all ? 0 : (size_t)sample * n);
            for (size_t i = 0; i < n; i++) {
                out[i] = from[i] != 0;
            }
        }
        return FV_OK;
    }
    for (int i = 0; i < FV__ATTENTION_INPUTS; i++) {
        if (input == data->prepared->inputs[i]) {
            memcpy(out, data->inputs[i] + (size_t)first * n, (size_t)count * n * sizeof *out);
        }
    }
    return FV_OK;
}

static fv_status run(fv_attention *attention, const fv__attention_plan *prepared, const fv_tokens inputs[3],
                     const fv_mask *mask, const float *d_output, fv_error *error) {
    call_data data = {
        .prepared = prepared,
        .inputs = {inputs[FV__QUERY].values, inputs[FV__KEY].values, inputs[FV__VALUE].values, NULL, d_output},
        .mask = mask};
    fv__feed feed = {
        .samples = prepared->shapes.batch, .weights = attention->values, .render = render, .context = &data};
    fv__plan_weights_changed(prepared->plan); // the caller may have written them
    return fv__runner_run(&attention->runner, prepared->plan, &feed, error);
}

fv_status fv_attention_forward(fv_attention *attention, fv_tokens query, fv_tokens key, fv_tokens value,
                               const fv_mask *mask, float *output, float *weights, fv_error *error) {
    const fv_tokens inputs[3] = {query, key, value};
    fv__attention_plan *prepared = &attention->forward;
    fv__attention_shapes shapes;
    memset(&shapes, 0, sizeof shapes); // they are compared as bytes
    shapes.weights = weights != NULL;
    FV__TRY(check_inputs(attention, inputs, mask, &shapes, error));
    FV__TRY(fv__attention_prepare(attention, prepared, &shapes, error));
    FV__TRY(run(attention, prepared, inputs, mask, NULL, error));
    const size_t rows = (size_t)shapes.batch * (size_t)shapes.queries;
    memcpy(output, fv__plan_value(prepared->plan, prepared->output),
           rows * (size_t)attention->options.d_model * sizeof *output);
    if (weights) {
        memcpy(weights, fv__plan_auxiliary(prepared->plan, prepared->attention),
               rows * (size_t)attention->options.heads * (size_t)shapes.keys * sizeof *weights);
    }
    return FV_OK;
}

fv_status fv_attention_backward(fv_attention *attention, fv_tokens query, fv_tokens key, fv_tokens value,
                                const fv_mask *mask, const float *d_output, float *d_query, float *d_key,
                                float *d_value, fv_error *error) {
    const fv_tokens inputs[3] = {query, key, value};
    float *const gradients[3] = {d_query, d_key, d_value};
    fv__attention_plan *prepared = &attention->backward;
    fv__attention_shapes shapes;
    memset(&shapes, 0, sizeof shapes);
    shapes.backward = true;
    for (int i = 0; i < 3; i++) {
        shapes.wanted[i] = gradients[i] != NULL;
    }
    FV__TRY(check_inputs(attention, inputs, mask, &shapes, error));
    if (!d_output) {
        return fv__fail(error, FV_INVALID, "attention: backward needs the gradient of the output, d_output");
    }
    FV__TRY(fv__attention_prepare(attention, prepared, &shapes, error));
    FV__TRY(run(attention, prepared, inputs, mask, d_output, error));
    for (int i = 0; i < 3; i++) {
        if (gradients[i]) {
            const size_t n = (size_t)inputs[i].batch * (size_t)inputs[i].tokens * (size_t)inputs[i].width;
            memcpy(gradients[i], fv__plan_gradient(prepared->plan, prepared->inputs[i]), n * sizeof(float));
        }
    }
    float *sums = fv__plan_weight_gradients(prepared->plan);
    for (size_t i = 0; i < attention->count; i++) {
        attention->gradients[i] += sums[i];
    }
    memset(sums, 0, attention->count * sizeof *sums);
    return FV_OK;
}
