// <linux/kvm.h> for C++. Include this and never the original.
//
// Headers up to Linux 6.3 declare the flexible arrays of kvm_msrs and kvm_cpuid2 through a macro whose
// empty struct takes eight bytes in C++, which moves the array and changes the ioctl numbers. Newer
// headers expand the macro to a plain array under C++, as is done here.
#pragma once

#include <linux/stddef.h>

#undef __DECLARE_FLEX_ARRAY
#define __DECLARE_FLEX_ARRAY(type, name) type name[0]

#include <linux/kvm.h>

static_assert(sizeof(kvm_msrs) == 8 && sizeof(kvm_cpuid2) == 8, "ioctl numbers hold these sizes");
