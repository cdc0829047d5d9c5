// `fovea data check DIR`: what is wrong, or may be, with a folder of photographs.
#include <stdlib.h>
#include <string.h>

#include "image/decode.h"
#include "photo_set.h"
#include "support/json.h"
#include "support/memory.h"
#include "support/say.h"
#include "support/text.h"

enum { TOLD = 20, FEW = 10, MOST_COMPARED = 200000 };

typedef struct check {
    const cli_photos *photos;
    bool json, faulty;
    json_t *result;
    const char *key, *title; // of the list under way
    size_t found;
} check;

static void begin_list(check *now, const char *key, const char *title) {
    now->key = key;
    now->title = title;
    now->found = 0;
    json_object_set_new(now->result, key, json_array());
}

// One finding: a file and what is the matter with it, or another file.
static void note(check *now, const char *path, const char *what) {
    json_array_append_new(json_object_get(now->result, now->key),
                          json_pack("[o, o]", cli_json_text(path), cli_json_text(what)));
    if (!now->json && now->found == 0) {
        printf("\n%s\n", now->title);
    }
    if (!now->json && now->found < TOLD) {
        cli_line(stdout, "  %s: %s", path, what);
    }
    now->found++;
}

static void end_list(const check *now) {
    if (!now->json && now->found > TOLD) {
        printf("  and %zu more (--json lists all)\n", now->found - TOLD);
    }
}

// --- Single files

static void find_unreadable(check *now) {
    begin_list(now, "unreadable", "Cannot be read, and will be left out");
    for (int p = 0; p < now->photos->part_count; p++) {
        const fv__photos *part = &now->photos->parts[p].photos;
        for (size_t i = 0; i < part->count; i++) {
            if (part->items[i].problem) {
                note(now, part->items[i].path, part->items[i].problem);
                now->faulty = true;
            }
        }
    }
    end_list(now);
}

static void find_misnamed(check *now) {
    begin_list(now, "misnamed", "Named as another kind of picture than they are (they will be read)");
    for (int p = 0; p < now->photos->part_count; p++) {
        const fv__photos *part = &now->photos->parts[p].photos;
        for (size_t i = 0; i < part->count; i++) {
            const fv__photo *photo = &part->items[i];
            if (!photo->problem && !fv__image_format_named(photo->format, photo->path)) {
                note(now, photo->path, photo->format);
            }
        }
    }
    end_list(now);
}

static void find_small_classes(check *now) {
    char text[64];
    begin_list(now, "small_classes", "Classes with few pictures");
    for (int p = 0; p < now->photos->part_count; p++) {
        for (int c = 0; c < now->photos->folder.classes; c++) {
            size_t count = now->photos->parts[p].class_counts[c];
            if (count < (p == 0 ? FEW : 1)) {
                snprintf(text, sizeof text, "%zu in %s", count, now->photos->parts[p].name);
                note(now, now->photos->folder.class_names[c], text);
                now->faulty |= count == 0;
            }
        }
    }
    end_list(now);
}

// --- Pairs of files

typedef struct picture {
    const fv__photo *photo;
    int part;
} picture;

static int by_content(const void *a, const void *b) {
    const picture *first = a, *second = b;
    int order = strcmp(first->photo->sha256, second->photo->sha256);
    return order ? order : strcmp(first->photo->path, second->photo->path);
}

// All readable images, by content. Release with free.
static picture *gather(const cli_photos *photos, size_t *count) {
    size_t most = 0;
    for (int p = 0; p < photos->part_count; p++) {
        most += photos->parts[p].photos.count;
    }
    picture *all = cli_alloc(most, sizeof *all);
    *count = 0;
    for (int p = 0; p < photos->part_count; p++) {
        for (size_t i = 0; i < photos->parts[p].photos.count; i++) {
            if (!photos->parts[p].photos.items[i].problem) {
                all[(*count)++] = (picture){&photos->parts[p].photos.items[i], p};
            }
        }
    }
    if (*count) {
        qsort(all, *count, sizeof *all, by_content);
    }
    return all;
}

// Files of one content: each beside the first of them.
static void find_same(check *now, const picture *all, size_t count, bool across) {
    for (size_t first = 0, i = 1; i < count; i++) {
        if (strcmp(all[first].photo->sha256, all[i].photo->sha256) != 0) {
            first = i;
        } else if ((all[first].part != all[i].part) == across) {
            note(now, all[first].photo->path, all[i].photo->path);
            now->faulty |= across;
        }
    }
}

static void find_alike(check *now, const picture *all, size_t count, bool across) {
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            if (fv__photos_alike(all[i].photo, all[j].photo) && (all[i].part != all[j].part) == across &&
                strcmp(all[i].photo->sha256, all[j].photo->sha256) != 0) {
                note(now, all[i].photo->path, all[j].photo->path);
            }
        }
    }
}

static void find_pairs(check *now) {
    size_t count;
    picture *all = gather(now->photos, &count);
    bool compared = count <= MOST_COMPARED;
    begin_list(now, "shared", "The same picture in two parts, so that validation knows it already");
    find_same(now, all, count, true);
    end_list(now);
    begin_list(now, "same", "The same picture twice");
    find_same(now, all, count, false);
    end_list(now);
    begin_list(now, "shared_alike", "Nearly the same picture in two parts");
    find_alike(now, all, compared ? count : 0, true);
    end_list(now);
    begin_list(now, "alike", "Nearly the same picture twice");
    find_alike(now, all, compared ? count : 0, false);
    end_list(now);
    if (!compared) {
        cli_say("more than %d pictures: not compared for those that are nearly the same", MOST_COMPARED);
    }
    free(all);
}

int cli_photos_check(const data_check_options *options, const fv__dataset_info *info, const char *path) {
    cli_photos photos;
    int code = cli_photos_open(options->threads, info, path, &photos);
    check now = {.photos = &photos, .json = options->json};
    if (code == CLI_OK) {
        now.result = cli_photos_json(&photos);
        if (!now.json) {
            cli_photos_print(&photos);
        }
        find_unreadable(&now);
        find_misnamed(&now);
        find_small_classes(&now);
        find_pairs(&now);
    }
    if (code == CLI_OK) {
        json_object_set_new(now.result, "ok", json_boolean(!now.faulty));
        code = now.json ? cli_json_print(json_incref(now.result), true) : CLI_OK;
    }
    json_decref(now.result);
    cli_photos_close(&photos);
    return code == CLI_OK && now.faulty ? CLI_FAILED : code;
}
