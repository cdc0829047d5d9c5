// Convolution of NHWC images, as a product without im2col: a row of the left operand is a window of the image, found
// through a table of where windows begin; a segment is one row of the window, which lies in one piece.
//   forward           y[pixel][filter] = Σ (kh) Σ (kw, channel)  x[window(pixel)] · W
//   kernel gradient   dW[(kh, kw, channel)][filter] += Σ (output row) Σ (output column)  x · dy
//   input gradient    the same scheme over dy with zeros around (and between, for strides), with W turned by 180°
// Padding `same` is Keras's: max((⌈n/s⌉ - 1)·s + k - n, 0) in all, the smaller half before.
#include <limits.h>
#include <string.h>

#include "ops/activated.h"

typedef struct geometry {
    int height, width, channels; // image
    int kernel[2], stride[2];    // vertical, horizontal
    int rows, columns, filters;  // output
    int before[2];               // padding above and to the left
    int padded[2];               // height and width with padding
    int frame[2];                // height and width of dy with zeros around and between
    fv__activation activation;
    bool pointwise; // 1×1, stride 1: a dense layer over pixels, whole calls at once
} geometry;

static void fit_axis(int size, int kernel, int stride, fv__padding padding, int *out, int *before, int *padded) {
    if (padding == FV__PADDING_VALID) {
        *out = size < kernel ? 0 : (size - kernel) / stride + 1;
        *before = 0;
        *padded = size;
        return;
    }
    *out = (size - 1) / stride + 1;
    int needed = (*out - 1) * stride + kernel;
    *padded = needed > size ? needed : size;
    *before = (*padded - size) / 2;
}

static geometry geometry_of(const fv__op_node *node) {
    const fv__conv2d_attributes *attributes = node->attributes;
    const int *x = node->inputs[0].size, *weights = node->inputs[1].size;
    geometry g = {.height = x[0],
                  .width = x[1],
                  .channels = x[2],
                  .kernel = {weights[0], weights[1]},
                  .stride = {attributes->stride[0], attributes->stride[1]},
                  .filters = weights[3],
                  .frame = {x[0] + weights[0] - 1, x[1] + weights[1] - 1},
                  .activation = attributes->activation};
    fit_axis(g.height, g.kernel[0], g.stride[0], attributes->padding, &g.rows, &g.before[0], &g.padded[0]);
    fit_axis(g.width, g.kernel[1], g.stride[1], attributes->padding, &g.columns, &g.before[1], &g.padded[1]);
    g.pointwise = g.kernel[0] == 1 && g.kernel[1] == 1 && g.stride[0] == 1 && g.stride[1] == 1;
    return g;
}

static fv_status infer(fv__op_node *node, fv_error *error) {
    const fv__conv2d_attributes *attributes = node->attributes;
    const fv__shape *x = &node->inputs[0], *weights = &node->inputs[1], *bias = &node->inputs[2];
    if (node->input_count != 2 && node->input_count != 3) {
        return fv__fail(error, FV_INVALID, "conv2d takes x, a kernel and, if wanted, a bias, not %d inputs",
                        node->input_count);
    }
    if (x->rank != 3) {
        return fv__fail(error, FV_INVALID, "conv2d needs an image (height, width, channels), not %s",
                        fv__shape_print(x).text);
    }
    if (weights->rank != 4 || weights->size[2] != x->size[2] || !node->input_is_weight[1]) {
        return fv__fail(error, FV_INVALID, "conv2d: the kernel must be a weight of shape (height, width, %d, out), not %s",
                        x->size[2], fv__shape_print(weights).text);
    }
    if (node->input_count == 3 && (bias->rank != 1 || bias->size[0] != weights->size[3] || !node->input_is_weight[2])) {
        return fv__fail(error, FV_INVALID, "conv2d: the bias must be a weight of shape (%d), not %s", weights->size[3],
                        fv__shape_print(bias).text);
    }
    if (attributes->stride[0] < 1 || attributes->stride[1] < 1) {
        return fv__fail(error, FV_INVALID, "conv2d: strides must be at least 1, not (%d, %d)", attributes->stride[0],
                        attributes->stride[1]);
    }
    geometry g = geometry_of(node);
    if (g.rows < 1 || g.columns < 1) {
        return fv__fail(error, FV_INVALID,
                        "conv2d: the kernel (%d, %d) does not fit into the image %s; use a smaller kernel or padding same",
                        g.kernel[0], g.kernel[1], fv__shape_print(x).text);
    }
    // Offsets inside one image are 32 bits.
    if ((double)g.padded[0] * g.padded[1] * g.channels > INT_MAX || (double)g.frame[0] * g.frame[1] * g.filters > INT_MAX) {
        return fv__fail(error, FV_INVALID, "conv2d: an image of %s with %d filters is too large", fv__shape_print(x).text,
                        g.filters);
    }
    node->output = (fv__shape){.rank = 3, .size = {g.rows, g.columns, g.filters}};
    return FV_OK;
}

static uint32_t backward_reads(const fv__op_node *node) {
    return FV__READS_INPUT(0) | FV__READS_INPUT(1) | fv__activated_reads(geometry_of(node).activation);
}

// --- Memory -----------------------------------------------------------------------------------------------------------

// Numbers of 4 bytes in each part; parts begin on cache lines.
static size_t lines(size_t count) {
    return (count + 15) / 16 * 16;
}


static bool pads(const geometry *g) {
    return g->padded[0] != g->height || g->padded[1] != g->width;
}

static size_t padded_floats(const geometry *g) {
    return pads(g) ? lines((size_t)g->padded[0] * (size_t)g->padded[1] * (size_t)g->channels) : 0;
}

static size_t output_floats(const geometry *g) {
    return (size_t)g->rows * (size_t)g->columns * (size_t)g->filters;
}

static size_t frame_floats(const geometry *g) {
    return g->pointwise ? 0 : lines((size_t)g->frame[0] * (size_t)g->frame[1] * (size_t)g->filters);
}

static size_t kernel_floats(const geometry *g) {
    return (size_t)g->kernel[0] * (size_t)g->kernel[1] * (size_t)g->channels * (size_t)g->filters;
}

// What `prepared` holds; the last three for backward only.
typedef struct prepared_parts {
    float *weights;         // packed W, (kh·kw·channels, filters)
    int32_t *windows;       // (rows·columns): where each window begins in the padded image
    float *turned;          // packed W turned by 180°, (kh·kw·filters, channels)
    int32_t *kernel_places; // (kh·kw·channels): where each kernel element lies in a window
    int32_t *frame_windows; // (height·width): where the window of each input pixel begins in the frame
} prepared_parts;

// Returns the size in numbers.
static size_t cut_prepared(const geometry *g, const fv__kernels *kernels, bool backward, void *memory,
                           prepared_parts *parts) {
    size_t sizes[5] = {kernels->packed_size(g->kernel[0] * g->kernel[1] * g->channels, g->filters),
                       g->pointwise ? 0 : (size_t)g->rows * (size_t)g->columns};
    if (backward) {
        sizes[2] = kernels->packed_size(g->kernel[0] * g->kernel[1] * g->filters, g->channels);
        sizes[3] = g->pointwise ? 0 : (size_t)g->kernel[0] * (size_t)g->kernel[1] * (size_t)g->channels;
        sizes[4] = g->pointwise ? 0 : (size_t)g->height * (size_t)g->width;
    }
    size_t begin[5], end = 0;
    for (int i = 0; i < 5; i++) {
        begin[i] = end;
        end += lines(sizes[i]);
    }
    if (parts) {
        float *floats = memory;
        int32_t *integers = memory;
        *parts = (prepared_parts){floats + begin[0], integers + begin[1], floats + begin[2], integers + begin[3],
                                  integers + begin[4]};
    }
    return end;
}

static void needs(const fv__op_node *node, const fv__kernels *kernels, int samples, bool backward,
                  fv__op_needs *needs) {
    geometry g = geometry_of(node);
    size_t saved = 0, scratch = padded_floats(&g);
    if (backward) {
        size_t gradient = g.activation == FV__ACTIVATION_linear ? 0 : output_floats(&g);
        scratch += frame_floats(&g) + lines(gradient * (g.pointwise ? (size_t)samples : 1));
        scratch = scratch > kernel_floats(&g) ? scratch : kernel_floats(&g); // prepare turns the kernel there
        saved = fv__activated_saves(g.activation) ? output_floats(&g) : 0;
    }
    size_t prepared = cut_prepared(&g, kernels, backward, NULL, NULL);
    *needs = (fv__op_needs){prepared * sizeof(float), saved * sizeof(float), scratch * sizeof(float)};
}

// --- Preparation ------------------------------------------------------------------------------------------------------

// table[i·columns + j] = i·row + j·column.
static void fill_grid(int32_t *table, int rows, int columns, int row, int column) {
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            *table++ = i * row + j * column;
        }
    }
}

// turned[(kh, kw, filter)][channel] = weights[(last - kh, last - kw, channel)][filter].
static void turn_kernel(const geometry *g, const float *weights, float *turned) {
    int taps = g->kernel[0] * g->kernel[1];
    for (int tap = taps - 1; tap >= 0; tap--) {
        for (int filter = 0; filter < g->filters; filter++) {
            const float *from = weights + (ptrdiff_t)tap * g->channels * g->filters + filter;
            for (int channel = 0; channel < g->channels; channel++) {
                *turned++ = from[(ptrdiff_t)channel * g->filters];
            }
        }
    }
}

static void prepare(const fv__call *call, bool backward) {
    geometry g = geometry_of(call->node);
    const fv__kernels *kernels = call->kernels;
    prepared_parts parts;
    cut_prepared(&g, kernels, backward, call->prepared, &parts);
    kernels->pack(g.kernel[0] * g.kernel[1] * g.channels, g.filters, call->in[1], g.filters, 1, parts.weights);
    if (backward) {
        turn_kernel(&g, call->in[1], call->scratch);
        kernels->pack(g.kernel[0] * g.kernel[1] * g.filters, g.channels, call->scratch, g.channels, 1, parts.turned);
    }
    if (g.pointwise) {
        return;
    }
    fill_grid(parts.windows, g.rows, g.columns, g.stride[0] * g.padded[1] * g.channels, g.stride[1] * g.channels);
    if (backward) {
        fill_grid(parts.kernel_places, g.kernel[0], g.kernel[1] * g.channels, g.padded[1] * g.channels, 1);
        fill_grid(parts.frame_windows, g.height, g.width, g.frame[1] * g.filters, g.filters);
    }
}

// --- The products -----------------------------------------------------------------------------------------------------

// Puts the image in the middle of `padded`, whose border is zero already; returns where it now is.
static const float *pad_image(const geometry *g, const float *image, float *padded) {
    if (!pads(g)) {
        return image;
    }
    size_t row = (size_t)g->width * (size_t)g->channels;
    float *to = padded + ((ptrdiff_t)g->before[0] * g->padded[1] + g->before[1]) * g->channels;
    for (int y = 0; y < g->height; y++) {
        memcpy(to + (ptrdiff_t)y * g->padded[1] * g->channels, image + (size_t)y * row, row * sizeof(float));
    }
    return padded;
}

// Puts the pixels of dy, `stride` apart, into the frame, which is zero elsewhere.
static void frame_gradient(const geometry *g, const float *d_pre, float *frame) {
    size_t pixel = (size_t)g->filters, run = g->stride[1] == 1 ? (size_t)g->columns : 1; // pixels copied at once
    for (int y = 0; y < g->rows; y++) {
        ptrdiff_t top = g->kernel[0] - 1 - g->before[0] + y * g->stride[0], left = g->kernel[1] - 1 - g->before[1];
        float *to = frame + (top * g->frame[1] + left) * g->filters;
        for (int x = 0; x < g->columns; x += (int)run) {
            memcpy(to, d_pre, pixel * run * sizeof(float));
            to += g->stride[1] * g->filters;
            d_pre += pixel * run;
        }
    }
}

static void forward(const fv__call *call) {
    geometry g = geometry_of(call->node);
    prepared_parts parts;
    cut_prepared(&g, call->kernels, false, call->prepared, &parts);
    fv__gemm product = {.rows = g.rows * g.columns * (g.pointwise ? call->samples : 1),
                        .columns = g.filters,
                        .depth = g.kernel[1] * g.channels,
                        .segments = g.kernel[0],
                        .a_row = g.channels,
                        .a_depth = 1,
                        .a_segment = g.padded[1] * g.channels,
                        .a_rows = g.pointwise ? NULL : parts.windows,
                        .b = parts.weights,
                        .c_row = g.filters,
                        .bias = call->node->input_count == 3 ? call->in[2] : NULL};
    float *padded = call->scratch;
    if (pads(&g)) {
        memset(padded, 0, padded_floats(&g) * sizeof(float));
    }
    size_t image = (size_t)g.height * (size_t)g.width * (size_t)g.channels;
    for (int sample = 0; sample < (g.pointwise ? 1 : call->samples); sample++) {
        product.a = pad_image(&g, call->in[0] + (size_t)sample * image, padded);
        product.c = call->out + (size_t)sample * output_floats(&g);
        float *saved = call->saved;
        fv__activated_product(call->kernels, &product, g.activation,
                              saved ? saved + (size_t)sample * output_floats(&g) : NULL);
    }
}

// dW and db of `images` images (more than one only if pointwise).
static void kernel_gradient(const fv__call *call, const geometry *g, const prepared_parts *parts, const float *x,
                            const float *d_pre, int images) {
    if (call->node->input_count == 3 && call->d_in[2]) {
        call->kernels->add_columns(d_pre, g->filters, call->d_in[2], images * g->rows * g->columns, g->filters);
    }
    if (!call->d_in[1]) {
        return;
    }
    fv__gemm product = {.rows = g->kernel[0] * g->kernel[1] * g->channels,
                        .columns = g->filters,
                        .depth = g->columns,
                        .segments = images * g->rows,
                        .a = x,
                        .a_row = 1,
                        .a_depth = g->stride[1] * g->channels,
                        .a_segment = g->stride[0] * g->padded[1] * g->channels,
                        .a_rows = g->pointwise ? NULL : parts->kernel_places,
                        .b = d_pre,
                        .b_row = g->filters,
                        .c = call->d_in[1],
                        .c_row = g->filters,
                        .accumulate = true};
    call->kernels->gemm(&product);
}

// dx of `images` images from dy in its frame.
static void input_gradient(const fv__call *call, const geometry *g, const prepared_parts *parts, const float *frame,
                           float *d_x, int images) {
    fv__gemm product = {.rows = images * g->height * g->width,
                        .columns = g->channels,
                        .depth = g->kernel[1] * g->filters,
                        .segments = g->kernel[0],
                        .a = frame,
                        .a_row = g->filters,
                        .a_depth = 1,
                        .a_segment = g->frame[1] * g->filters,
                        .a_rows = g->pointwise ? NULL : parts->frame_windows,
                        .b = parts->turned,
                        .c = d_x,
                        .c_row = g->channels,
                        .accumulate = call->node->input_is_weight[0]};
    call->kernels->gemm(&product);
}

static void backward(const fv__call *call) {
    geometry g = geometry_of(call->node);
    prepared_parts parts;
    cut_prepared(&g, call->kernels, true, call->prepared, &parts);
    size_t image = (size_t)g.height * (size_t)g.width * (size_t)g.channels, output = output_floats(&g);
    float *padded = call->scratch, *frame = padded + padded_floats(&g), *gradient = frame + frame_floats(&g);
    if (padded_floats(&g) + frame_floats(&g) > 0) {
        memset(padded, 0, (padded_floats(&g) + frame_floats(&g)) * sizeof(float));
    }
    int images = g.pointwise ? call->samples : 1; // at once
    for (int sample = 0; sample < call->samples; sample += images) {
        size_t offset = (size_t)sample * output;
        const float *saved = call->saved;
        const float *d_pre = fv__activated_gradient(call->kernels, g.activation, (size_t)images * output,
                                                    call->d_out + offset, call->out ? call->out + offset : NULL,
                                                    saved ? saved + offset : NULL, gradient);
        const float *x = call->in[0] + (size_t)sample * image;
        kernel_gradient(call, &g, &parts, call->d_in[1] ? pad_image(&g, x, padded) : x, d_pre, images);
        if (call->d_in[0]) {
            if (!g.pointwise) {
                frame_gradient(&g, d_pre, frame);
            }
            float *d_x = call->d_in[0] + (call->node->input_is_weight[0] ? 0 : (size_t)sample * image);
            input_gradient(call, &g, &parts, g.pointwise ? d_pre : frame, d_x, images);
        }
    }
}

static double multiply_adds(const fv__op_node *node) {
    geometry g = geometry_of(node);
    return (double)g.rows * g.columns * (double)kernel_floats(&g);
}

const fv__op fv__op_conv2d = {.name = "conv2d",
                              .attributes_size = sizeof(fv__conv2d_attributes),
                              .infer = infer,
                              .backward_reads = backward_reads,
                              .needs = needs,
                              .prepare = prepare,
                              .forward = forward,
                              .backward = backward,
                              .multiply_adds = multiply_adds};
