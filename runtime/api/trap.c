// Traps and their frames.
#include <stdlib.h>
#include <string.h>

#include "runtime/api/internal.h"

_Static_assert(WJIT_TRAP_OUT_OF_MEMORY == (int) WJ_TRAP_OUT_OF_MEMORY &&
                   WJIT_TRAP_UNDEFINED_ELEMENT == (int) WJ_TRAP_UNDEFINED_ELEMENT &&
                   WJIT_TRAP_INTERRUPTED == (int) WJ_TRAP_INTERRUPTED,
               "trap codes are converted by value");

static struct wj_trap *trap_of(const wasm_trap_t *trap)
{
    return trap->ref.object;
}

wasm_trap_t *wj_api_trap(wasm_store_t *store, struct wj_trap *trap)
{
    struct wasm_ref_t *ref = wj_api_loose_handle(store, WJ_REF_TRAP, trap);
    if (ref == NULL) {
        // NULL would read as success: there is one that needs no memory in every store.
        wj_trap_release(trap);
        ref = &store->last_trap;
        ref->references++;
    }
    return (wasm_trap_t *) ref;
}

wasm_trap_t *wj_api_trap_message(wasm_store_t *store, const char *message)
{
    struct wj_trap *trap = wj_trap_new(WJ_TRAP_HOST, message, strlen(message));
    wj_trap_trace(trap, store->store->lane.activation);
    return wj_api_trap(store, trap);
}

wasm_trap_t *wasm_trap_new(wasm_store_t *store, const wasm_message_t *message)
{
    size_t size = message == NULL ? 0 : message->size;
    if (size != 0 && message->data[size - 1] == '\0') {
        size--;
    }
    struct wj_trap *trap = wj_trap_new(WJ_TRAP_HOST, size == 0 ? "" : message->data, size);
    wj_trap_trace(trap, store->store->lane.activation);
    return wj_api_trap(store, trap);
}

wasm_trap_t *wjit_trap_new_exit(wasm_store_t *store, int status)
{
    struct wj_trap *trap = wj_trap_new(WJ_TRAP_HOST, "exit", 4);
    if (trap->kind == WJ_TRAP_HOST) { // else memory is exhausted
        trap->is_exit = true;
        trap->exit_status = status;
        trap->has_frames = true; // nobody wants to know where
    }
    return wj_api_trap(store, trap);
}

bool wjit_trap_exit_status(const wasm_trap_t *trap, int *status)
{
    if (trap_of(trap)->is_exit) {
        *status = trap_of(trap)->exit_status;
    }
    return trap_of(trap)->is_exit;
}

wjit_trap_code_t wjit_trap_code(const wasm_trap_t *trap)
{
    return trap_of(trap)->is_exit ? WJIT_TRAP_EXIT : (wjit_trap_code_t) trap_of(trap)->kind;
}

void wasm_trap_message(const wasm_trap_t *handle, wasm_message_t *out)
{
    const struct wj_trap *trap = trap_of(handle);
    if (trap->message_bytes == 0 && trap->kind == WJ_TRAP_OUT_OF_MEMORY) {
        wasm_name_new_from_string_nt(out, "out of memory");
        return;
    }
    wasm_byte_vec_new(out, (size_t) trap->message_bytes + 1, trap->message);
}

// ---- Frames -------------------------------------------------------------------------------------

static wasm_frame_t *frame_new(wasm_store_t *store, const struct wj_trap_frame *frame)
{
    wasm_frame_t *made = malloc(sizeof *made);
    if (made != NULL) {
        *made = (wasm_frame_t){.store = store, .frame = *frame};
    }
    return made;
}

wasm_frame_t *wasm_trap_origin(const wasm_trap_t *handle)
{
    const struct wj_trap *trap = trap_of(handle);
    return trap->frame_count == 0 ? NULL : frame_new(handle->ref.store, &trap->frames[0]);
}

void wasm_trap_trace(const wasm_trap_t *handle, wasm_frame_vec_t *out)
{
    const struct wj_trap *trap = trap_of(handle);
    wasm_frame_vec_new_uninitialized(out, trap->frame_count);
    for (size_t i = 0; i < out->size; i++) {
        out->data[i] = frame_new(handle->ref.store, &trap->frames[i]);
    }
}

wasm_frame_t *wasm_frame_copy(const wasm_frame_t *frame)
{
    return frame_new(frame->store, &frame->frame);
}

void wasm_frame_delete(wasm_frame_t *frame)
{
    free(frame);
}

wasm_instance_t *wasm_frame_instance(const wasm_frame_t *frame)
{
    return (wasm_instance_t *) wj_api_pin(frame->store, WJ_REF_INSTANCE, frame->frame.instance);
}

uint32_t wasm_frame_func_index(const wasm_frame_t *frame)
{
    return frame->frame.func_index;
}

size_t wasm_frame_module_offset(const wasm_frame_t *frame)
{
    return frame->frame.wasm_offset;
}

size_t wasm_frame_func_offset(const wasm_frame_t *frame)
{
    const struct wj_instance *instance = frame->frame.instance;
    uint32_t index = frame->frame.func_index;
    if (!wj_image_prepare(instance->image, index, NULL)) {
        return 0;
    }
    uint32_t start = instance->module->funcs[index].code_offset;
    return frame->frame.wasm_offset <= start ? 0 : frame->frame.wasm_offset - start;
}

static wasm_name_t name_out(const struct wj_name *name)
{
    return (wasm_name_t){.size = name->size_bytes, .data = (char *) name->bytes};
}

wasm_name_t wjit_frame_func_name(const wasm_frame_t *frame)
{
    const struct wj_module *module = frame->frame.instance->module;
    uint32_t index = frame->frame.func_index;
    if (module->func_names != NULL && module->func_names[index].bytes != NULL) {
        return name_out(&module->func_names[index]);
    }
    for (uint32_t i = 0; i < module->export_count; i++) {
        if (module->exports[i].kind == WJ_EXTERN_FUNC && module->exports[i].index == index) {
            return name_out(&module->exports[i].name);
        }
    }
    return (wasm_name_t){0, NULL};
}

wasm_name_t wjit_frame_module_name(const wasm_frame_t *frame)
{
    return name_out(&frame->frame.instance->module->module_name);
}
