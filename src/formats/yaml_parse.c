// SPDX-License-Identifier: Apache-2.0
// Text to tree, from libyaml's events, which arrive one by one: nothing deeper or longer than allowed is ever built.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/memory.h"
#include "formats/yaml.h"
#include "formats/yaml_tree.h"

typedef struct yaml_reader {
    yaml_parser_t parser;
    fv__document *document;
    fv__yaml_place place;
    fv_error *error;
} yaml_reader;

static int line_of(const yaml_reader *reader, yaml_mark_t mark) {
    return reader->place.lines ? (int)mark.line + 1 : 0;
}

// With the place in front: FV_FORMAT for a file, FV_INVALID for what is set.
__attribute__((format(printf, 3, 4))) static fv_status refuse(const yaml_reader *reader, int line, const char *format,
                                                              ...) {
    va_list arguments;
    va_start(arguments, format);
    char sentence[512];
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    const fv_status status = reader->place.lines ? FV_FORMAT : FV_INVALID;
    return line ? fv__fail(reader->error, status, "%s:%d: %s", reader->place.source, line, sentence)
                : fv__fail(reader->error, status, "%s: %s", reader->place.source, sentence);
}

// What libyaml did not like.
static fv_status explain(const yaml_reader *reader) {
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem ? parser->problem : "not YAML";
    if (parser->error == YAML_MEMORY_ERROR) {
        return fv__fail_memory(reader->error, "parsing YAML");
    }
    if (parser->error == YAML_READER_ERROR) {
        return refuse(reader, 0, "not a text file: %s at byte %zu", problem, parser->problem_offset);
    }
    int line = line_of(reader, parser->problem_mark);
    if (parser->context && line && parser->context_mark.line != parser->problem_mark.line) {
        return refuse(reader, line, "%s (%s that begins in line %d)", problem, parser->context,
                      line_of(reader, parser->context_mark));
    }
    return refuse(reader, line, "%s%s%s", problem, parser->context ? ", " : "", parser->context ? parser->context : "");
}

// On success the event is to be deleted by the caller.
static fv_status next_event(yaml_reader *reader, yaml_event_t *event) {
    return yaml_parser_parse(&reader->parser, event) ? FV_OK : explain(reader);
}

static fv_status refuse_indirection(const yaml_reader *reader, const yaml_event_t *event) {
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    int line = line_of(reader, event->start_mark);
    if (event->type == YAML_ALIAS_EVENT) {
        return refuse(reader, line, "the alias '*%s' is not supported here; write the value out",
                      (const char *)event->data.alias.anchor);
    }
    if (anchor) {
        return refuse(reader, line, "the anchor '&%s' is not supported here; write the value where it is needed",
                      (const char *)anchor);
    }
    if (tag) {
        return refuse(reader, line, "the tag '%s' is not supported here; leave it out", (const char *)tag);
    }
    return FV_OK;
}

// The text of a scalar event, in the document.
static fv_status read_text(const yaml_reader *reader, const yaml_event_t *event, const char **text) {
    const char *bytes = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (memchr(bytes, 0, length)) {
        return refuse(reader, line_of(reader, event->start_mark), "text with a zero byte (\\0) in it");
    }
    *text = fv__document_text(reader->document, bytes, length);
    return *text ? FV_OK : fv__fail_memory(reader->error, "parsing YAML");
}

static fv_status read_scalar(const yaml_reader *reader, const yaml_event_t *event, fv__value *value) {
    static const char *const nothing[] = {"", "~", "null", "Null", "NULL"};
    value->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing && !value->quoted; i++) {
        if (!strcmp((const char *)event->data.scalar.value, nothing[i])) {
            return event->data.scalar.length == strlen(nothing[i]) ? FV_OK : read_text(reader, event, &value->text);
        }
    }
    value->kind = FV__VALUE_SCALAR;
    return read_text(reader, event, &value->text);
}

static fv_status read_key(const yaml_reader *reader, const yaml_event_t *event, fv__key *key) {
    *key = (fv__key){.source = reader->place.source, .line = line_of(reader, event->start_mark)};
    fv_status status = refuse_indirection(reader, event);
    if (status) {
        return status;
    }
    if (event->type != YAML_SCALAR_EVENT) {
        return refuse(reader, key->line, "a key must be a word, not a list or a map");
    }
    if (!event->data.scalar.length) {
        return refuse(reader, key->line, "a key is missing before ':'");
    }
    return read_text(reader, event, &key->name);
}

static int compare_keys(const void *a, const void *b) {
    const fv__key *first = *(fv__key *const *)a, *second = *(fv__key *const *)b;
    int order = strcmp(first->name, second->name);
    return order ? order : (first > second) - (first < second);
}

// Sorted, so that a hostile file with a hundred thousand keys does not take minutes.
static fv_status refuse_duplicates(const yaml_reader *reader, const fv__value *map) {
    if (map->count < 2) {
        return FV_OK;
    }
    const fv__key **sorted = fv__alloc_array(map->count, sizeof *sorted);
    if (!sorted) {
        return fv__fail_memory(reader->error, "parsing YAML");
    }
    for (size_t i = 0; i < map->count; i++) {
        sorted[i] = &map->keys[i];
    }
    qsort(sorted, map->count, sizeof *sorted, compare_keys);
    fv_status status = FV_OK;
    for (size_t i = 1; i < map->count && !status; i++) {
        if (strcmp(sorted[i - 1]->name, sorted[i]->name)) {
            continue;
        }
        status = sorted[i]->line ? refuse(reader, sorted[i]->line, "the key '%s' is there already, in line %d",
                                          sorted[i]->name, sorted[i - 1]->line)
                                 : refuse(reader, 0, "the key '%s' is there twice", sorted[i]->name);
    }
    fv__free(sorted);
    return status;
}

static fv_status read_value(yaml_reader *reader, const yaml_event_t *event, int depth, fv__value **value);

// Items up to the end event. A map alternates between keys and values.
static fv_status read_items(yaml_reader *reader, fv__value *parent, int depth) {
    bool is_map = parent->kind == FV__VALUE_MAP;
    yaml_event_type_t end = is_map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    fv__key key = {0};
    for (;;) {
        yaml_event_t event;
        fv__value *item = NULL;
        fv_status status = next_event(reader, &event);
        if (status) {
            return status;
        }
        bool done = event.type == end;
        bool at_key = is_map && !done && !key.name;
        if (at_key) {
            status = read_key(reader, &event, &key);
        } else if (!done) {
            status = read_value(reader, &event, depth, &item);
        }
        yaml_event_delete(&event);
        if (status || done) {
            return status;
        }
        if (item) {
            status = is_map ? fv__map_add(parent, key, item, reader->error) : fv__list_add(parent, item, reader->error);
            key.name = NULL;
        }
        if (status) {
            return status;
        }
    }
}

// The value that begins with `event`, inside `depth` lists and maps.
static fv_status read_value(yaml_reader *reader, const yaml_event_t *event, int depth, fv__value **value) {
    fv_status status = refuse_indirection(reader, event);
    if (status) {
        return status;
    }
    *value = fv__value_new(reader->document, FV__VALUE_NULL);
    if (!*value) {
        return fv__fail_memory(reader->error, "parsing YAML");
    }
    (*value)->source = reader->place.source;
    (*value)->line = line_of(reader, event->start_mark);
    if (event->type == YAML_SCALAR_EVENT) {
        return read_scalar(reader, event, *value);
    }
    if (depth >= FV__YAML_DEPTH) {
        return refuse(reader, (*value)->line, "lists and maps are nested more than %d deep", FV__YAML_DEPTH);
    }
    (*value)->kind = event->type == YAML_MAPPING_START_EVENT ? FV__VALUE_MAP : FV__VALUE_LIST;
    status = read_items(reader, *value, depth + 1);
    return status || (*value)->kind != FV__VALUE_MAP ? status : refuse_duplicates(reader, *value);
}

// Stream start, document start, one value, document end, stream end; or a stream without any document.
static fv_status read_stream(yaml_reader *reader, fv__value **value) {
    int documents = 0;
    for (;;) {
        yaml_event_t event;
        fv_status status = next_event(reader, &event);
        if (status) {
            return status;
        }
        yaml_event_type_t type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT) {
            if (documents++) {
                status = refuse(reader, line_of(reader, event.start_mark), "a second document begins here; one only");
            }
        } else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_END_EVENT &&
                   type != YAML_STREAM_END_EVENT) {
            status = read_value(reader, &event, reader->place.depth, value);
        }
        yaml_event_delete(&event);
        if (status || type == YAML_STREAM_END_EVENT) {
            return status;
        }
    }
}

fv_status fv__yaml_parse(fv__document *document, const char *bytes, size_t size, fv__yaml_place place,
                         fv__value **value, fv_error *error) {
    yaml_reader reader = {.document = document, .place = place, .error = error};
    if (size > FV__YAML_SIZE) {
        return refuse(&reader, 0, "%zu bytes; at most %d are read", size, FV__YAML_SIZE);
    }
    fv__value *read = fv__value_new(document, FV__VALUE_NULL);
    if (!read || !yaml_parser_initialize(&reader.parser)) {
        return fv__fail_memory(error, "parsing YAML");
    }
    read->source = place.source;
    read->line = place.lines;
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes, size);
    fv_status status = read_stream(&reader, &read);
    yaml_parser_delete(&reader.parser);
    if (!status) {
        *value = read;
    }
    return status;
}

fv_status fv__document_parse(const char *bytes, size_t size, const char *source, fv__document **document,
                             fv_error *error) {
    fv__document *made = fv__document_new(source);
    if (!made) {
        return fv__fail_memory(error, "parsing YAML");
    }
    fv__value *root = fv__document_root(made);
    fv__yaml_place place = {.source = root->source, .lines = true};
    fv_status status = fv__yaml_parse(made, bytes, size, place, &root, error);
    if (status) {
        fv__document_free(made);
        return status;
    }
    fv__document_set_root(made, root);
    *document = made;
    return FV_OK;
}
