// dcp_evaluator._native: frame channels and shared memory for the Python side.
#include <fcntl.h>
#include <pybind11/pybind11.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "frame_scan.hpp"
#include "frame_values.hpp"
#include "frame_writer.hpp"
#include "ipc/frame_reader.hpp"
#include "kept_files.hpp"
#include "shared_memory.hpp"

#ifndef DCP_WASMTIME_VERSION
#error "DCP_WASMTIME_VERSION: the wasmtime version that the generated declarations were made from"
#endif
#ifndef DCP_WGPU_VERSION
#error "DCP_WGPU_VERSION: the wgpu version that the generated decoder was made from"
#endif
#ifndef DCP_QUICKJS_VERSION
#error "DCP_QUICKJS_VERSION: the version of the QuickJS-NG sources"
#endif

namespace py = pybind11;

namespace dcp::bindings {

using ipc::Descriptor;
using ipc::FrameError;

namespace {

constexpr std::size_t kReadSize = 256 << 10;

Descriptor duplicate(int fd) {
  Descriptor copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw std::system_error(errno, std::generic_category(), "dup");
  return copy;
}

void release_owners(const std::vector<void*>& owners) {
  for (void* owner : owners) Py_DECREF(static_cast<PyObject*>(owner));
}

class FrameChannel {
 public:
  explicit FrameChannel(int fd) : socket_(fd) {}
  ~FrameChannel() { close(); }

  int fileno() const { return socket_.get(); }
  void end_input() {
    need_open();
    (void)::shutdown(socket_.get(), SHUT_RD);
  }
  void limit_values(std::size_t most) { reader_.limit_values(most); }
  std::size_t pending() const { return writer_.pending(); }
  bool starved() const { return writer_.starved(); }

  void send(const py::bytes& payload, const py::sequence& fds) {
    std::vector<Descriptor> descriptors;
    for (const py::handle& fd : fds) descriptors.push_back(duplicate(fd.cast<int>()));
    writer_.push(std::string_view(payload), std::move(descriptors), payload.ptr());
    payload.inc_ref();
  }

  bool flush() {
    need_open();
    bool empty;
    {
      py::gil_scoped_release unlocked;
      empty = writer_.flush(socket_.get());
    }
    release_owners(writer_.take_sent());
    return empty;
  }

  py::list receive() {
    need_open();
    ipc::ReadState state;
    {
      py::gil_scoped_release unlocked;
      state = reader_.fill(socket_.get(), MSG_DONTWAIT);
    }
    py::list frames;
    if (state == ipc::ReadState::end_of_stream) {
      PyErr_SetString(PyExc_EOFError, "the peer closed the channel");
      throw py::error_already_set();
    }
    ipc::ReceivedFrame frame;
    try {
      while (state == ipc::ReadState::data && reader_.next(frame)) {
        const Bytes bytes(reinterpret_cast<const std::uint8_t*>(frame.payload.data()), frame.payload.size());
        py::tuple fds(frame.descriptors.size());
        for (std::size_t i = 0; i < frame.descriptors.size(); ++i) fds[i] = py::int_(frame.descriptors[i].get());
        const py::object payload =
            frame.is_cut() ? py::cast(LargeFrame{read_head(bytes), frame.size}) : make_bytes(bytes);
        frames.append(py::make_tuple(payload, fds));
        for (Descriptor& descriptor : frame.descriptors) descriptor.release();
      }
      reader_.check_stray_descriptors();
    } catch (const FrameError&) {
      close_received(frames);
      throw;
    }
    return frames;
  }

  void close() {
    socket_ = Descriptor();
    reader_ = ipc::FrameReader(ipc::Peer::hostile, kReadSize);
    release_owners(writer_.take_all());
  }

 private:
  void need_open() const {
    if (!socket_) throw py::value_error("the channel is closed");
  }

  static void close_received(const py::list& frames) {
    for (const py::handle& frame : frames) {
      for (const py::handle& fd : frame.cast<py::tuple>()[1]) ::close(fd.cast<int>());
    }
  }

  Descriptor socket_;
  ipc::FrameReader reader_{ipc::Peer::hostile, kReadSize};
  FrameWriter writer_;
};

int copy_buffer_to_memfd(const py::buffer& object) {
  Py_buffer view;
  if (PyObject_GetBuffer(object.ptr(), &view, PyBUF_C_CONTIGUOUS) != 0) throw py::error_already_set();
  try {
    Descriptor memory;
    {
      py::gil_scoped_release unlocked;
      memory = copy_to_memfd(view.buf, static_cast<std::size_t>(view.len));
    }
    PyBuffer_Release(&view);
    return memory.release();
  } catch (...) {
    PyBuffer_Release(&view);
    throw;
  }
}

/// Copies while other threads run.
template <auto make, auto bytes_of>
py::object read_sealed(int fd, std::uint64_t offset, std::uint64_t size) {
  check_sealed(fd, offset, size);
  auto made = py::reinterpret_steal<py::object>(make(nullptr, static_cast<Py_ssize_t>(size)));
  if (!made) throw py::error_already_set();
  char* into = bytes_of(made.ptr());
  const py::gil_scoped_release unlocked;
  read_all(fd, offset, {into, size});
  return made;
}

template <typename Memory>
py::buffer_info describe(Memory& memory) {
  return py::buffer_info(reinterpret_cast<std::uint8_t*>(memory.data()), static_cast<py::ssize_t>(memory.size()));
}

PyObject* unusable_value = nullptr;  // the exception's type; lives as long as the module

py::object slice_of(const FrameHead& head) {
  return head.slice ? py::object(py::int_(*head.slice)) : py::object(py::none());
}

void translate(std::exception_ptr error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const UnusableValueError& failure) {
    const py::object arguments = py::make_tuple(failure.head.kind, slice_of(failure.head), failure.what());
    PyErr_SetObject(unusable_value, arguments.ptr());
  } catch (const std::system_error& failure) {
    errno = failure.code().value();
    const py::object arguments = py::make_tuple(failure.code().value(), failure.what());
    PyErr_SetObject(PyExc_OSError, arguments.ptr());
  }
}

}  // namespace

}  // namespace dcp::bindings

PYBIND11_MODULE(_native, module) {
  using namespace dcp::bindings;
  module.doc() = "Frame channels and shared memory (docs/protocol.md section 1).";
  module.attr("built_wasmtime") = DCP_WASMTIME_VERSION;
  module.attr("built_wgpu") = DCP_WGPU_VERSION;
  module.attr("built_quickjs") = DCP_QUICKJS_VERSION;
  module.attr("built_node") = DCP_NODE_VERSION;  // empty: built without the engine v8
  py::register_exception<FrameError>(module, "FrameError", PyExc_ValueError);
  unusable_value = py::exception<UnusableValueError>(module, "UnusableValueError", PyExc_ValueError).release().ptr();
  py::register_exception_translator(&translate);

  py::class_<FrameChannel>(module, "FrameChannel", "Frames over a Unix stream socket, whose descriptor it owns.")
      .def(py::init<int>(), py::arg("fd"))
      .def("fileno", &FrameChannel::fileno)
      .def("send", &FrameChannel::send, py::arg("payload"), py::arg("fds") = py::tuple(),
           "Queues a frame. The descriptors are duplicated. Raises FrameError beyond 1 GiB or 64 descriptors.")
      .def("flush", &FrameChannel::flush, "Writes without waiting; True when nothing is left. Raises OSError.")
      .def("receive", &FrameChannel::receive,
           "One read without waiting: a list of (payload, descriptors); the caller owns the descriptors.\n"
           "Raises EOFError at the end of the stream, FrameError when the peer breaks the protocol, OSError.")
      .def("limit_values", &FrameChannel::limit_values, py::arg("most"),
           "From now on frames are those of a sandbox, and have at most what the table of frames says of their kind;\n"
           "those with a value `most` bytes. One with more comes as a LargeFrame.")
      .def("end_input", &FrameChannel::end_input, "What has come can still be received, and nothing more comes.")
      .def("close", &FrameChannel::close)
      .def_property_readonly("pending", &FrameChannel::pending, "Bytes that wait to be written.")
      .def_property_readonly("starved", &FrameChannel::starved,
                             "Whether flush() ended for descriptors of this user that are on their way: repeat it.");

  py::class_<LargeFrame>(module, "LargeFrame", "A frame that was passed over: its value has more bytes than the limit.")
      .def("__len__", [](const LargeFrame& frame) { return frame.size; });

  py::class_<ValueDecoder>(module, "ValueDecoder", "Objects of Python from frames of a sandbox.")
      .def(py::init<std::size_t, py::object, py::object>(), py::arg("limit"), py::arg("from_bytes"),
           py::arg("from_shared"),
           "limit: what a value may cost (docs/protocol.md section 1). The others make arrays, of (element type,\n"
           "bytearray) and of (element type, descriptor, offset, size).")
      .def("decode", &ValueDecoder::decode, py::arg("payload"), py::arg("fds"),
           "The fields of a frame, its kind first. Raises FrameError, UnusableValueError(kind, slice, reason), and "
           "what\n"
           "those raise that make arrays.");

  py::class_<SealedMapping>(module, "Mapping", py::buffer_protocol(), "A private, writable mapping of a sealed memfd.")
      .def_buffer(&describe<SealedMapping>)
      .def("__len__", &SealedMapping::size);

  py::class_<SharedMemory>(module, "SharedMemory", py::buffer_protocol(),
                           "Zeroed memory in a memfd; others can only read it.")
      .def(py::init<std::size_t>(), py::arg("size"))
      .def_buffer(&describe<SharedMemory>)
      .def("__len__", &SharedMemory::size)
      .def("fileno", &SharedMemory::descriptor, "A read-only descriptor, owned by this object.")
      .def_property_readonly(
          "address", [](const SharedMemory& memory) { return reinterpret_cast<std::uintptr_t>(memory.data()); });

  py::class_<KeptFiles>(module, "KeptFiles", "A folder of the user's, of files that can be made again.")
      .def(py::init<const std::string&, std::uint64_t>(), py::arg("path"), py::arg("limit"),
           "limit: bytes of all files; those that were used longest ago go first.")
      .def_property_readonly("refusal", &KeptFiles::refusal, "Why nothing is kept, and what helps; empty: it is.")
      .def("read", &KeptFiles::read, py::arg("key"),
           "None where there is none. The key's first 16 bytes name it: compare the rest.")
      .def("write", &KeptFiles::write, py::arg("key"), py::arg("data"),
           "In place of what was there. False where it cannot be: a full disk, more than half of the limit.")
      .def("remove", &KeptFiles::remove, py::arg("key"));

  module.def("create_from_buffer", &copy_buffer_to_memfd, py::arg("buffer"),
             "Copies a C-contiguous buffer into a sealed memfd; returns a read-only descriptor. Raises OSError.");
  module.def(
      "map_sealed",
      [](int fd, std::uint64_t offset, std::uint64_t size) {
        return std::make_unique<SealedMapping>(fd, offset, size);
      },
      py::arg("fd"), py::arg("offset"), py::arg("size"),
      "Maps bytes of a sealed memfd. Raises FrameError when it is not sealed or too small, OSError: ENOMEM where this\n"
      "program has its share of mappings.");
  module.def("read_sealed", &read_sealed<PyBytes_FromStringAndSize, PyBytes_AsString>, py::arg("fd"), py::arg("offset"),
             py::arg("size"), "The same bytes as a copy.");
  module.def("copy_sealed", &read_sealed<PyByteArray_FromStringAndSize, PyByteArray_AsString>, py::arg("fd"),
             py::arg("offset"), py::arg("size"), "As a bytearray.");
}
