// Multi-head attention as a direct call (Vaswani et al. 2017): a graph of four dense layers around the attention op,
// made and planned for the shapes of the call and kept for the next one of the same shapes. The weights live beside the
// graphs, which all lay them out alike.
#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "graph/plan.h"
#include "layers/layer.h"

enum { QUERY, KEY, VALUE, MASK, D_OUTPUT, INPUTS };
enum { MOST_FEATURES = 1 << 16, MOST_HEADS = 1024, MOST_THREADS = 1024 };
enum { PARAMETERS = 8 };

static const char *const input_names[INPUTS] = {"query", "key", "value", "mask", "d_output"};

// What a graph and its plan were made for.
typedef struct call_shapes {
    int batch, queries, keys;
    bool masked, backward, weights;
    int mask[3];    // of one sample: (heads or 1, queries or 1, keys or 1)
    bool wanted[3]; // gradients of query, key, value
} call_shapes;

typedef struct prepared_call {
    fv__graph graph;
    fv__plan *plan; // NULL: nothing is prepared
    call_shapes shapes;
    int inputs[INPUTS], attention, output; // nodes
} prepared_call;

struct fv_attention {
    fv_attention_options options;
    int widths[3];    // features of query, key, value
    float *values;    // the trained arrays, as the graphs lay them out
    float *gradients; // likewise
    size_t count;     // floats of each
    size_t offsets[PARAMETERS];
    fv__pool *pool;
    prepared_call forward, backward; // the last of each
};

// One call: what the plan reads.
typedef struct call_data {
    const fv_attention *attention;
    const prepared_call *prepared;
    const float *inputs[INPUTS];
    const fv_mask *mask;
} call_data;

// --- Graphs

static void drop(prepared_call *prepared) {
    fv__plan_destroy(prepared->plan);
    fv__graph_free(&prepared->graph);
    *prepared = (prepared_call){0};
}

// Query, key, value and output: kernel and bias each. Always the same, so that any graph's weights lie alike.
static fv_status add_parameters(const fv_attention *attention, fv__graph *graph, int nodes[PARAMETERS],
                                fv_error *error) {
    static const char *const names[PARAMETERS] = {"query/kernel", "query/bias", "key/kernel",    "key/bias",
                                                  "value/kernel", "value/bias", "output/kernel", "output/bias"};
    fv_status status = FV_OK;
    for (int i = 0; i < PARAMETERS && !status; i++) {
        int in = i < 6 ? attention->widths[i / 2] : attention->options.d_model, out = attention->options.d_model;
        fv__shape shape = i % 2 ? (fv__shape){1, {out}} : (fv__shape){2, {in, out}};
        status = fv__graph_add_parameter(graph, names[i], &shape,
                                         i % 2 ? FV__INITIAL_ZEROS : FV__INITIAL_GLOROT_UNIFORM, &nodes[i], error);
    }
    return status;
}

static fv_status add_inputs(const fv_attention *attention, prepared_call *prepared, fv_error *error) {
    const call_shapes *s = &prepared->shapes;
    const fv__shape shapes[INPUTS] = {{2, {s->queries, attention->widths[QUERY]}},
                                      {2, {s->keys, attention->widths[KEY]}},
                                      {2, {s->keys, attention->widths[VALUE]}},
                                      {3, {s->mask[0], s->mask[1], s->mask[2]}},
                                      {2, {s->queries, attention->options.d_model}}};
    fv_status status = FV_OK;
    for (int i = 0; i < INPUTS && !status; i++) {
        prepared->inputs[i] = -1;
        if ((i != MASK || s->masked) && (i != D_OUTPUT || s->backward)) {
            status = fv__graph_add_input(&prepared->graph, input_names[i], &shapes[i], &prepared->inputs[i], error);
        }
        if (!status && i < MASK) {
            prepared->graph.nodes[prepared->inputs[i]].wants_gradient = s->wanted[i];
        }
    }
    return status;
}

static fv_status add_dense(fv__graph *graph, const char *name, int x, const int parameters[2], int *node,
                           fv_error *error) {
    return fv__graph_add(graph, name, &fv__op_dense, &(fv__dense_attributes){FV__ACTIVATION_linear},
                         (const int[]){x, parameters[0], parameters[1]}, 3, node, error);
}

// *root is the output, or for backward the sum of output · d_output, whose gradient in the output is d_output.
static fv_status build(const fv_attention *attention, prepared_call *prepared, int *root, fv_error *error) {
    int parameters[PARAMETERS], projected[4];
    const fv_attention_options *options = &attention->options;
    fv__graph *graph = &prepared->graph;
    fv__attention_attributes attributes = {.heads = options->heads,
                                           .groups = 1,
                                           .score = FV__SCORE_DOT,
                                           .scale = 1 / sqrtf((float)(options->d_model / options->heads)),
                                           .has_mask = prepared->shapes.masked};
    fv_status status = add_parameters(attention, graph, parameters, error);
    if (!status) {
        status = add_inputs(attention, prepared, error);
    }
    for (int i = 0; i < 3 && !status; i++) {
        status = add_dense(graph, input_names[i], prepared->inputs[i], &parameters[2 * i], &projected[i], error);
    }
    projected[MASK] = prepared->inputs[MASK];
    if (!status) {
        status = fv__graph_add(graph, "attention", &fv__op_attention, &attributes, projected,
                               prepared->shapes.masked ? 4 : 3, &prepared->attention, error);
    }
    if (!status) {
        status = add_dense(graph, "output", prepared->attention, &parameters[6], &prepared->output, error);
    }
    *root = prepared->output;
    if (!status && prepared->shapes.backward) {
        status = fv__graph_add(graph, "dot", &fv__op_dot, NULL,
                               (const int[]){prepared->output, prepared->inputs[D_OUTPUT]}, 2, root, error);
    }
    return status;
}

static fv_status plan(fv_attention *attention, prepared_call *prepared, int root, fv_error *error) {
    const fv__kernels *kernels;
    fv__plan_options options = {.batch = prepared->shapes.batch,
                                .backward = prepared->shapes.backward,
                                .root = root,
                                .auxiliary = &prepared->attention,
                                .auxiliary_count = prepared->shapes.weights};
    fv_status status = fv__kernels_select(NULL, &kernels, error);
    if (!status && !attention->pool) {
        int threads = attention->options.threads;
        status = fv__pool_create(threads ? threads : fv__cpu_threads(), &attention->pool, error);
    }
    if (!status) {
        status = fv__plan_create(&prepared->graph, kernels, fv__pool_threads(attention->pool), &options,
                                 &prepared->plan, error);
    }
    return status;
}

static fv_status prepare(fv_attention *attention, prepared_call *prepared, const call_shapes *shapes, fv_error *error) {
    if (prepared->plan && memcmp(&prepared->shapes, shapes, sizeof *shapes) == 0) {
        return FV_OK;
    }
    int root;
    drop(prepared);
    memcpy(&prepared->shapes, shapes, sizeof *shapes);
    fv_status status = build(attention, prepared, &root, error);
    if (!status) {
        status = plan(attention, prepared, root, error);
    }
    if (status) {
        drop(prepared);
    }
    return status;
}

// --- The layer

static fv_status check_options(const fv_attention_options *options, fv_error *error) {
    const int widths[] = {options->query_width, options->key_width, options->value_width};
    if (options->d_model < 1 || options->d_model > MOST_FEATURES) {
        return fv__fail(error, FV_INVALID, "attention: d_model is %d, but must be 1 to %d", options->d_model,
                        MOST_FEATURES);
    }
    if (options->heads < 1 || options->heads > MOST_HEADS || options->d_model % options->heads) {
        return fv__fail(error, FV_INVALID,
                        "attention: d_model %d cannot be divided into %d heads; numbers of heads that fit: %s",
                        options->d_model, options->heads, fv__divisors_print(options->d_model, options->d_model).text);
    }
    for (int i = 0; i < 3; i++) {
        if (widths[i] < 0 || widths[i] > MOST_FEATURES) {
            return fv__fail(error, FV_INVALID, "attention: %s_width is %d, but must be 1 to %d, or 0 for d_model",
                            input_names[i], widths[i], MOST_FEATURES);
        }
    }
    if (options->threads < 0 || options->threads > MOST_THREADS) {
        return fv__fail(error, FV_INVALID, "attention: threads is %d, but must be 1 to %d, or 0 for as many as allowed",
                        options->threads, MOST_THREADS);
    }
    return FV_OK;
}

fv_status fv_attention_create(const fv_attention_options *options, fv_attention **out, fv_error *error) {
    *out = NULL;
    fv_status status = check_options(options, error);
    if (status) {
        return status;
    }
    fv_attention *attention = fv__alloc(sizeof *attention);
    if (!attention) {
        return fv__fail_memory(error, "the attention layer");
    }
    attention->options = *options;
    attention->widths[QUERY] = options->query_width ? options->query_width : options->d_model;
    attention->widths[KEY] = options->key_width ? options->key_width : options->d_model;
    attention->widths[VALUE] = options->value_width ? options->value_width : options->d_model;
    fv__graph graph;
    int nodes[PARAMETERS];
    fv__graph_init(&graph);
    status = add_parameters(attention, &graph, nodes, error);
    if (!status) {
        attention->count = graph.weight_count;
        attention->values = fv__alloc_array(graph.weight_count, sizeof(float));
        attention->gradients = fv__alloc_array(graph.weight_count, sizeof(float));
        status = attention->values && attention->gradients ? FV_OK : fv__fail_memory(error, "the attention layer");
    }
    if (!status) {
        fv__graph_initialize(&graph, options->seed, attention->values);
        for (int i = 0; i < PARAMETERS; i++) {
            attention->offsets[i] = graph.parameters[i].offset;
        }
        *out = attention;
    } else {
        fv_attention_free(attention);
    }
    fv__graph_free(&graph);
    return status;
}

void fv_attention_free(fv_attention *attention) {
    if (attention) {
        drop(&attention->forward);
        drop(&attention->backward);
        fv__pool_destroy(attention->pool);
        fv__free(attention->values);
        fv__free(attention->gradients);
        fv__free(attention);
    }
}

static fv_attention_parameters parameters_in(const fv_attention *attention, float *slab) {
    const size_t *at = attention->offsets;
    return (fv_attention_parameters){slab + at[0], slab + at[1], slab + at[2], slab + at[3],
                                     slab + at[4], slab + at[5], slab + at[6], slab + at[7]};
}

fv_attention_parameters fv_attention_values(fv_attention *attention) {
    return parameters_in(attention, attention->values);
}

fv_attention_parameters fv_attention_gradients(fv_attention *attention) {
    return parameters_in(attention, attention->gradients);
}

// --- Calls

static fv_status check_mask(const fv_attention *attention, const fv_mask *mask, call_shapes *shapes, fv_error *error) {
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
                              call_shapes *shapes, fv_error *error) {
    for (int i = 0; i < 3; i++) {
        const fv_tokens *x = &inputs[i];
        if (!x->values || x->batch < 1 || x->tokens < 1 || x->tokens > FV__MAX_TOKENS) {
            return fv__fail(error, FV_INVALID, "attention: the %s has %d samples of %d tokens%s; 1 to %d tokens fit",
                            input_names[i], x->batch, x->tokens, x->values ? "" : " and no values", FV__MAX_TOKENS);
        }
        if (x->width != attention->widths[i]) {
            return fv__fail(error, FV_INVALID, "attention: the %s has %d features, but the layer was made for %d",
                            input_names[i], x->width, attention->widths[i]);
        }
        if (x->batch != inputs[QUERY].batch) {
            return fv__fail(error, FV_INVALID, "attention: the query has %d samples, the %s %d; they must agree",
                            inputs[QUERY].batch, input_names[i], x->batch);
        }
    }
    if (inputs[KEY].tokens != inputs[VALUE].tokens) {
        return fv__fail(error, FV_INVALID, "attention: the key has %d tokens, the value %d; they must agree",
                        inputs[KEY].tokens, inputs[VALUE].tokens);
    }
    shapes->batch = inputs[QUERY].batch;
    shapes->queries = inputs[QUERY].tokens;
    shapes->keys = inputs[KEY].tokens;
    return mask ? check_mask(attention, mask, shapes, error) : FV_OK;
}

static fv_status render(void *context, int input, int first, int count, int worker, float *out, fv_error *error) {
    const call_data *data = context;
    (void)worker;
    (void)error;
    const size_t n = fv__shape_elements(fv__graph_shape(&data->prepared->graph, input));
    if (input == data->prepared->inputs[MASK]) {
        const bool same_for_all = data->mask->rank < 4 || data->mask->shape[0] == 1;
        for (int sample = first; sample < first + count; sample++, out += n) {
            const int32_t *from = data->mask->values + (same_for_all ? 0 : (size_t)sample * n);
            for (size_t i = 0; i < n; i++) {
                out[i] = from[i] != 0;
            }
        }
        return FV_OK;
    }
    for (int i = 0; i < INPUTS; i++) {
        if (input == data->prepared->inputs[i]) {
            memcpy(out, data->inputs[i] + (size_t)first * n, (size_t)count * n * sizeof *out);
        }
    }
    return FV_OK;
}

static fv_status run(fv_attention *attention, const prepared_call *prepared, const fv_tokens inputs[3],
                     const fv_mask *mask, const float *d_output, fv_error *error) {
    call_data data = {.attention = attention,
                      .prepared = prepared,
                      .inputs = {inputs[QUERY].values, inputs[KEY].values, inputs[VALUE].values, NULL, d_output},
                      .mask = mask};
    fv__feed feed = {
        .samples = prepared->shapes.batch, .weights = attention->values, .render = render, .context = &data};
    fv__plan_weights_changed(prepared->plan); // the caller may have written them
    return fv__plan_run(prepared->plan, attention->pool, &feed, error);
}

fv_status fv_multi_head_attention(fv_attention *attention, fv_tokens query, fv_tokens key, fv_tokens value,
                                  const fv_mask *mask, float *output, float *weights, fv_error *error) {
    const fv_tokens inputs[3] = {query, key, value};
    prepared_call *prepared = &attention->forward;
    call_shapes shapes;
    memset(&shapes, 0, sizeof shapes); // they are compared as bytes
    shapes.weights = weights != NULL;
    fv_status status = check_inputs(attention, inputs, mask, &shapes, error);
    if (!status) {
        status = prepare(attention, prepared, &shapes, error);
    }
    if (!status) {
        status = run(attention, prepared, inputs, mask, NULL, error);
    }
    if (status) {
        return status;
    }
    const size_t rows = (size_t)shapes.batch * (size_t)shapes.queries;
    memcpy(output, fv__plan_value(prepared->plan, prepared->output),
           rows * (size_t)attention->options.d_model * sizeof *output);
    if (weights) {
        memcpy(weights, fv__plan_auxiliary(prepared->plan, prepared->attention),
               rows * (size_t)attention->options.heads * (size_t)shapes.keys * sizeof *weights);
    }
    return FV_OK;
}

fv_status fv_multi_head_attention_backward(fv_attention *attention, fv_tokens query, fv_tokens key, fv_tokens value,
                                           const fv_mask *mask, const float *d_output, float *d_query, float *d_key,
                                           float *d_value, fv_error *error) {
    const fv_tokens inputs[3] = {query, key, value};
    float *const gradients[3] = {d_query, d_key, d_value};
    prepared_call *prepared = &attention->backward;
    call_shapes shapes;
    memset(&shapes, 0, sizeof shapes);
    shapes.backward = true;
    for (int i = 0; i < 3; i++) {
        shapes.wanted[i] = gradients[i] != NULL;
    }
    fv_status status = check_inputs(attention, inputs, mask, &shapes, error);
    if (!status && !d_output) {
        status = fv__fail(error, FV_INVALID, "attention: backward needs the gradient of the output, d_output");
    }
    if (!status) {
        status = prepare(attention, prepared, &shapes, error);
    }
    if (!status) {
        status = run(attention, prepared, inputs, mask, d_output, error);
    }
    if (status) {
        return status;
    }
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
