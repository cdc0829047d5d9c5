// The pictures of `fovea data show --out`: a few samples with their classes.
#include "base/memory.h"
#include "data.h"

enum { MOST = 40 };

// Of photographs, which are sorted by class, one from each of 40 stretches; of other sets the first 25.
fv_status cli_draw_samples(const fv_dataset *data, const char *path, fv_error *error) {
    fv_grid_cell cells[MOST] = {{0}};
    const bool sorted = data->resize != NULL;
    const size_t columns = sorted ? 8 : 5, size = fv__dataset_sample_size(data);
    size_t count = 5 * columns;
    count = data->count < count ? data->count : count;
    uint8_t *pixels = fv__alloc_array(count, size);
    fv_status status = pixels ? FV_OK : fv__fail_memory(error, path);
    for (size_t i = 0; i < count && !status; i++) {
        size_t sample = sorted ? (2 * i + 1) * data->count / (2 * count) : i;
        cells[i].pixels = pixels + i * size;
        cells[i].captions[0] = data->class_names[data->labels[sample]];
        status = fv_dataset_read(data, sample, pixels + i * size, error);
    }
    const fv_grid grid = {.size = sizeof grid,
                          .rows = (int)((count + columns - 1) / columns),
                          .columns = (int)columns,
                          .height = data->height,
                          .width = data->width,
                          .channels = data->channels,
                          .cells = cells};
    if (!status) {
        status = fv_grid_draw(&grid, path, error);
    }
    fv__free(pixels);
    return status;
}
