// For the shells of SpiderMonkey (js102) and JavaScriptCore (jsc), which have no WASI: runs a
// benchmark program with the few calls that it makes, or times the compilation of a module.
//   shell.js run FILE.wasm     shell.js compile FILE.wasm REPEATS SECONDS
(function () {
    "use strict";
    const isJsc = typeof scriptArgs === "undefined";
    const args = isJsc ? arguments_() : scriptArgs;

    function arguments_() {
        return globalThis.arguments;
    }

    function readBytes(path) {
        return isJsc ? readFile(path, "binary") : os.file.readFile(path, "binary");
    }

    // Milliseconds; the shells have no clock of the thread's processor time.
    function now() {
        return performance.now();
    }

    function run(path) {
        const SUCCESS = 0, BADF = 8, NOSYS = 52;
        let memory;
        let text = "";
        const view = () => new DataView(memory.buffer);
        const calls = {
            fd_write(fd, vectors, count, written) {
                let total = 0;
                for (let i = 0; i < count; i++) {
                    const at = view().getUint32(vectors + 8 * i, true);
                    const size = view().getUint32(vectors + 8 * i + 4, true);
                    const bytes = new Uint8Array(memory.buffer, at, size);
                    for (let k = 0; k < size; k++) {
                        text += String.fromCharCode(bytes[k]);
                    }
                    total += size;
                }
                view().setUint32(written, total, true);
                return SUCCESS;
            },
            clock_time_get(id, precision, at) {
                view().setBigUint64(at, BigInt(Math.round(now() * 1e6)), true);
                return SUCCESS;
            },
            args_sizes_get(count, size) {
                view().setUint32(count, 1, true);
                view().setUint32(size, 2, true);
                return SUCCESS;
            },
            args_get(pointers, bytes) {
                view().setUint32(pointers, bytes, true);
                view().setUint16(bytes, 0x77, true); // "w"
                return SUCCESS;
            },
            environ_sizes_get(count, size) {
                view().setUint32(count, 0, true);
                view().setUint32(size, 0, true);
                return SUCCESS;
            },
            environ_get: () => SUCCESS,
            random_get(at, size) {
                new Uint8Array(memory.buffer, at, size).fill(7);
                return SUCCESS;
            },
            fd_fdstat_get(fd, at) {
                if (fd > 2) {
                    return BADF;
                }
                new Uint8Array(memory.buffer, at, 24).fill(0);
                view().setUint8(at, 2); // a character device
                view().setBigUint64(at + 8, 0x40n, true); // fd_write
                return SUCCESS;
            },
            fd_close: () => SUCCESS,
            fd_prestat_get: () => BADF,
            proc_exit(status) {
                throw { status };
            },
        };
        const module = new WebAssembly.Module(readBytes(path));
        const imports = {};
        for (const entry of WebAssembly.Module.imports(module)) {
            imports[entry.module] = imports[entry.module] || {};
            imports[entry.module][entry.name] = calls[entry.name] || (() => NOSYS);
        }
        const instance = new WebAssembly.Instance(module, imports);
        memory = instance.exports.memory;
        try {
            instance.exports._start();
        } catch (end) {
            if (end.status !== 0) {
                throw end.status === undefined ? end : new Error("exit " + end.status);
            }
        }
        print(text.trimEnd());
    }

    function compile(path, repeats, seconds) {
        const bytes = readBytes(path);
        const times = [];
        const start = now();
        do {
            const before = now();
            new WebAssembly.Module(bytes);
            times.push(now() - before);
        } while (times.length < repeats && now() - start < seconds * 1000);
        print(JSON.stringify({ first_ms: times[0], min_ms: Math.min(...times) }));
    }

    if (args[0] === "run") {
        run(args[1]);
    } else {
        compile(args[1], Number(args[2]), Number(args[3]));
    }
})();
