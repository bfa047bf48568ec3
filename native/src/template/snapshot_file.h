// A template on disk.
//
//   header    one page: magic, format version, where the sections are, their checksums, its own checksum
//   info      TemplateInfo
//   state     vCPU and devices
//   pages     runs of non-zero pages {first, count, CRC-32C}, and the working set
//   data      the pages of those runs, one after another, page-aligned
//
// One after another and to the end of the file, with zeroes between: no byte of it may differ unnoticed.
// Everything is little-endian and checked before anything is used. Checksums find truncation and edits by
// accident; a file somebody else could write is as trusted as the code that opens it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "template/template.h"

namespace zb {

// Writes beside `path` under a temporary name, syncs and renames: `path` is whole or as it was.
// Throws kIoFailed.
void SaveSnapshot(const Template& source, const std::string& path);

// Reads only what a template is. Throws kTemplateMissing, kTemplateCorrupt, kTemplateMismatch (format), kIoFailed.
TemplateInfo InspectSnapshot(const std::string& path);

// All a snapshot holds.
struct SnapshotContents {
  TemplateInfo info;
  VcpuState vcpu;
  DeviceState devices;
  UniqueFd ram;  // sealed
  std::vector<PageRun> working_set;
};

// Reads and checks all of the file, on any host. `accept` sees what it is before its pages are read, and may throw.
SnapshotContents ReadSnapshot(
    const std::string& path, const std::function<void(const TemplateInfo&)>& accept = [](const TemplateInfo&) {});

// ReadSnapshot for use here. kTemplateMismatch also when it was captured on another CPU, host kind or
// engine, or with another root image than the one given.
std::shared_ptr<Template> LoadSnapshot(const std::string& path, const std::string& root_image_path);

}  // namespace zb
