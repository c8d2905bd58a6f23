#!/bin/bash
# What owner, group, others and root may do, by each system call, in every place of the tree.
# SPDX-License-Identifier: Apache-2.0
. "$LIB/case.sh"

users=(owner group other root)

archived()
{
	[ "$(cat "$MNT/.archive/$1~"*/status)" != terminating ]
}

mount_weavers
# One of each kind for each user to try to remove; those that stay are asked everything else.
for user in "${users[@]}"; do
	as 2001:2001 mkdir "$MNT/.drafts/d-$user" "$MNT/gone-$user"
done
for user in "${users[@]}"; do
	as 2001:2001 rmdir "$MNT/gone-$user"
done
for user in "${users[@]}"; do
	wait_for 60 archived "gone-$user"
done
as 2001:2001 mkdir "$MNT/mine" "$MNT"/w-{owner,group,other,root} "$MNT/.drafts/d"
wait_for 60 status_is mine running

# A weaver is 0750, so its group reads; a draft is 0700; all of .weaverfs is the mount's owner's.
# The kernel refuses first (EACCES, or EPERM by the sticky bit and for what only an owner may do),
# then weaverfs: EPERM for what there is not.
"$LIB/verbs" "$MNT" owner=2001:2001,2010 group=2002:2002,2001 other=2003:2003 root=0:0 <<'END'
# path                          verb                owner   group   other   root
.                               list                ok      ok      ok      ok
.                               search=mine         ok      ok      ok      ok
.                               create              EPERM   EPERM   EPERM   EPERM
.                               mkdir               ok      ok      ok      ok
.                               symlink             EPERM   EPERM   EPERM   EPERM
.                               mkfifo              EPERM   EPERM   EPERM   EPERM
.                               chmod=0755          EPERM   EPERM   EPERM   EPERM
.                               chgrp=2010          EPERM   EPERM   EPERM   EPERM
.                               chown=2003          EPERM   EPERM   EPERM   EPERM
.                               touch               ok      ok      ok      ok
.                               setxattr            EPERM   EPERM   EPERM   ENOTSUP
.                               removexattr         EPERM   EPERM   EPERM   ENOTSUP

mine                            list                ok      ok      EACCES  ok
mine                            search=status       ok      ok      EACCES  ok
mine                            create              EPERM   EACCES  EACCES  EPERM
mine                            mkdir               EPERM   EACCES  EACCES  EPERM
mine                            symlink             EPERM   EACCES  EACCES  EPERM
mine                            mkfifo              EPERM   EACCES  EACCES  EPERM
mine                            rename              ok      EPERM   EPERM   ok
mine                            same-mode=0750      ok      EPERM   EPERM   ok
mine                            chmod=0700          ok      EPERM   EPERM   ok
mine                            chgrp=2010          ok      EPERM   EPERM   ok
mine                            chgrp=2003          EPERM   EPERM   EPERM   ok
mine                            chown=2003          EPERM   EPERM   EPERM   ok
mine                            touch               ok      EACCES  EACCES  ok
mine                            setxattr            ENOTSUP EACCES  EACCES  ENOTSUP
mine                            unlink              EISDIR  EPERM   EPERM   EISDIR

mine/status                     read                ok      ok      EACCES  ok
mine/status                     write=x             EACCES  EACCES  EACCES  EACCES
mine/status                     append=x            EACCES  EACCES  EACCES  EACCES
mine/status                     rewrite=x           EACCES  EACCES  EACCES  EACCES
mine/status                     truncate            EACCES  EACCES  EACCES  EACCES
mine/status                     unlink              EPERM   EACCES  EACCES  EPERM
mine/status                     rename              EPERM   EACCES  EACCES  EPERM
mine/status                     link                EPERM   EPERM|EACCES EPERM|EACCES EPERM
mine/status                     chmod=0644          EPERM   EPERM   EACCES  EPERM
mine/status                     same-mode=0440      ok      EPERM   EACCES  ok
mine/status                     chgrp=2010          EPERM   EPERM   EACCES  EPERM
mine/status                     chown=2003          EPERM   EPERM   EACCES  EPERM
mine/status                     touch               ok      EACCES  EACCES  ok
mine/status                     setxattr            EACCES  EACCES  EACCES  ENOTSUP
mine/status                     removexattr         EACCES  EACCES  EACCES  ENOTSUP

mine/ttl                        read                ok      ok      EACCES  ok
mine/ttl                        write=2h            ok      EACCES  EACCES  ok
mine/ttl                        rewrite=2h          ok      EACCES  EACCES  ok
mine/ttl                        append=+1m          ok      EACCES  EACCES  ok
mine/ttl                        truncate            ok      EACCES  EACCES  ok
mine/ttl                        unlink              EPERM   EACCES  EACCES  EPERM
mine/ttl                        rename              EPERM   EACCES  EACCES  EPERM
mine/ttl                        link                EPERM   EPERM|EACCES EPERM|EACCES EPERM
mine/ttl                        chmod=0666          EPERM   EPERM   EACCES  EPERM
mine/ttl                        same-mode=0640      ok      EPERM   EACCES  ok
mine/ttl                        chgrp=2010          EPERM   EPERM   EACCES  EPERM
mine/ttl                        chown=2003          EPERM   EPERM   EACCES  EPERM
mine/ttl                        touch               ok      EACCES  EACCES  ok
mine/ttl                        setxattr            ENOTSUP EACCES  EACCES  ENOTSUP

mine/env                        read                ok      EACCES  EACCES  ok
mine/env                        write=A=1\n         EACCES  EACCES  EACCES  EACCES
mine/env                        truncate            EACCES  EACCES  EACCES  EACCES
mine/env                        chmod=0644          EPERM   EPERM   EACCES  EPERM
mine/env                        unlink              EPERM   EACCES  EACCES  EPERM

mine/pod.json                   read                ok      EACCES  EACCES  ok
mine/pod.json                   write=x             EACCES  EACCES  EACCES  EACCES

mine/logs                       read                ok      ok      EACCES  ok
mine/logs                       append=x            EACCES  EACCES  EACCES  EACCES
mine/logs                       truncate            EACCES  EACCES  EACCES  EACCES

mine/tags                       read                ok      ok      EACCES  ok
mine/tags                       rewrite=a=1\n       ok      EACCES  EACCES  ok
mine/tags                       append=b=2\n        ok      EACCES  EACCES  ok

mine/hold                       rewrite=0           ok      EACCES  EACCES  ok

mine/expires                    read                ok      ok      EACCES  ok

mine/follow                     list                ok      ok      EACCES  ok
mine/follow                     search=status       ok      ok      EACCES  ok
mine/follow                     create              EPERM   EACCES  EACCES  EPERM
mine/follow                     mkdir               EPERM   EACCES  EACCES  EPERM
mine/follow                     symlink             EPERM   EACCES  EACCES  EPERM
mine/follow                     mkfifo              EPERM   EACCES  EACCES  EPERM
mine/follow                     rmdir               EPERM   EACCES  EACCES  EPERM
mine/follow                     rename              EPERM   EACCES  EACCES  EPERM
mine/follow                     chmod=0700          EPERM   EPERM   EACCES  EPERM
mine/follow                     chgrp=2010          EPERM   EPERM   EACCES  EPERM
mine/follow                     chown=2003          EPERM   EPERM   EACCES  EPERM
mine/follow                     touch               ok      EACCES  EACCES  ok
mine/follow                     setxattr            ENOTSUP EACCES  EACCES  ENOTSUP

mine/follow/status              read                ok      ok      EACCES  ok
mine/follow/status              write=x             EACCES  EACCES  EACCES  EACCES
mine/follow/status              append=x            EACCES  EACCES  EACCES  EACCES
mine/follow/status              truncate            EACCES  EACCES  EACCES  EACCES
mine/follow/status              unlink              EPERM   EACCES  EACCES  EPERM
mine/follow/status              rename              EPERM   EACCES  EACCES  EPERM
mine/follow/status              link                EPERM   EPERM|EACCES EPERM|EACCES EPERM
mine/follow/status              chmod=0644          EPERM   EPERM   EACCES  EPERM
mine/follow/status              same-mode=0440      ok      EPERM   EACCES  ok
mine/follow/status              chgrp=2010          EPERM   EPERM   EACCES  EPERM
mine/follow/status              chown=2003          EPERM   EPERM   EACCES  EPERM
mine/follow/status              touch               ok      EACCES  EACCES  ok
mine/follow/status              setxattr            EACCES  EACCES  EACCES  ENOTSUP

mine/follow/logs                read                ok      ok      EACCES  ok
mine/follow/logs                write=x             EACCES  EACCES  EACCES  EACCES

mine/wait                       list                ok      ok      EACCES  ok
mine/wait                       search=done         ok      ok      EACCES  ok
mine/wait                       create              EPERM   EACCES  EACCES  EPERM
mine/wait                       mkdir               EPERM   EACCES  EACCES  EPERM
mine/wait                       symlink             EPERM   EACCES  EACCES  EPERM
mine/wait                       mkfifo              EPERM   EACCES  EACCES  EPERM
mine/wait                       rmdir               EPERM   EACCES  EACCES  EPERM
mine/wait                       rename              EPERM   EACCES  EACCES  EPERM
mine/wait                       chmod=0700          EPERM   EPERM   EACCES  EPERM
mine/wait                       chown=2003          EPERM   EPERM   EACCES  EPERM
mine/wait                       touch               ok      EACCES  EACCES  ok

mine/wait/running               read                ok      ok      EACCES  ok
mine/wait/running               write=x             EACCES  EACCES  EACCES  EACCES
mine/wait/running               append=x            EACCES  EACCES  EACCES  EACCES
mine/wait/running               truncate            EACCES  EACCES  EACCES  EACCES
mine/wait/running               unlink              EPERM   EACCES  EACCES  EPERM
mine/wait/running               rename              EPERM   EACCES  EACCES  EPERM
mine/wait/running               link                EPERM   EPERM|EACCES EPERM|EACCES EPERM
mine/wait/running               chmod=0644          EPERM   EPERM   EACCES  EPERM
mine/wait/running               chgrp=2010          EPERM   EPERM   EACCES  EPERM
mine/wait/running               chown=2003          EPERM   EPERM   EACCES  EPERM
mine/wait/running               touch               ok      EACCES  EACCES  ok
mine/wait/running               setxattr            EACCES  EACCES  EACCES  ENOTSUP

mine/wait/done                  read                EAGAIN  EAGAIN  EACCES  EAGAIN
mine/wait/done                  write=x             EACCES  EACCES  EACCES  EACCES

w-{}                            rmdir               ok      EPERM   EPERM   ok

.drafts                         list                ok      ok      ok      ok
.drafts                         search=d            ok      ok      ok      ok
.drafts                         create              EPERM   EPERM   EPERM   EPERM
.drafts                         mkdir               ok      ok      ok      ok
.drafts                         symlink             EPERM   EPERM   EPERM   EPERM
.drafts                         mkfifo              EPERM   EPERM   EPERM   EPERM
.drafts                         rmdir               EPERM   EPERM   EPERM   EPERM
.drafts                         rename              EPERM   EPERM   EPERM   EPERM
.drafts                         chmod=0755          EPERM   EPERM   EPERM   EPERM
.drafts                         chgrp=2010          EPERM   EPERM   EPERM   EPERM
.drafts                         chown=2003          EPERM   EPERM   EPERM   EPERM
.drafts                         touch               ok      ok      ok      ok
.drafts                         setxattr            EPERM   EPERM   EPERM   ENOTSUP

.drafts/d                       list                ok      EACCES  EACCES  ok
.drafts/d                       search=image        ok      EACCES  EACCES  ok
.drafts/d                       create              EPERM   EACCES  EACCES  EPERM
.drafts/d                       mkdir               EPERM   EACCES  EACCES  EPERM
.drafts/d                       symlink             EPERM   EACCES  EACCES  EPERM
.drafts/d                       mkfifo              EPERM   EACCES  EACCES  EPERM
.drafts/d                       rename              ok      EPERM   EPERM   ok
.drafts/d                       chmod=0750          EPERM   EPERM   EPERM   EPERM
.drafts/d                       same-mode=0700      ok      EPERM   EPERM   ok
.drafts/d                       chgrp=2010          EPERM   EPERM   EPERM   EPERM
.drafts/d                       chown=2003          EPERM   EPERM   EPERM   EPERM
.drafts/d                       touch               ok      EACCES  EACCES  ok
.drafts/d                       setxattr            ENOTSUP EACCES  EACCES  ENOTSUP
.drafts/d                       unlink              EISDIR  EPERM   EPERM   EISDIR

.drafts/d/cpu                   read                ok      EACCES  EACCES  ok
.drafts/d/cpu                   write=1             ok      EACCES  EACCES  ok
.drafts/d/cpu                   append=1            ok      EACCES  EACCES  ok
.drafts/d/cpu                   rewrite=1           ok      EACCES  EACCES  ok
.drafts/d/cpu                   truncate            ok      EACCES  EACCES  ok
.drafts/d/cpu                   unlink              EPERM   EACCES  EACCES  EPERM
.drafts/d/cpu                   rename              EPERM   EACCES  EACCES  EPERM
.drafts/d/cpu                   link                EPERM   EPERM|EACCES EPERM|EACCES EPERM
.drafts/d/cpu                   chmod=0666          EPERM   EACCES  EACCES  EPERM
.drafts/d/cpu                   chgrp=2010          EPERM   EACCES  EACCES  EPERM
.drafts/d/cpu                   chown=2003          EPERM   EACCES  EACCES  EPERM
.drafts/d/cpu                   touch               ok      EACCES  EACCES  ok
.drafts/d/cpu                   setxattr            ENOTSUP EACCES  EACCES  ENOTSUP

.drafts/d/env                   read                ok      EACCES  EACCES  ok
.drafts/d/env                   append=A=1\n        ok      EACCES  EACCES  ok
.drafts/d/env                   rewrite=B=2\n       ok      EACCES  EACCES  ok
.drafts/d/env                   truncate            ok      EACCES  EACCES  ok
.drafts/d/env                   chmod=0644          EPERM   EACCES  EACCES  EPERM
.drafts/d/env                   unlink              EPERM   EACCES  EACCES  EPERM

.drafts/d/secrets               read                ok      EACCES  EACCES  ok
.drafts/d/secrets               append=S=1\n        ok      EACCES  EACCES  ok

.drafts/d-{}                    rmdir               ok      EPERM   EPERM   ok

.archive                        list                ok      ok      ok      ok
.archive                        create              EPERM   EPERM   EPERM   EPERM
.archive                        mkdir               EPERM   EPERM   EPERM   EPERM
.archive                        symlink             EPERM   EPERM   EPERM   EPERM
.archive                        mkfifo              EPERM   EPERM   EPERM   EPERM
.archive                        rmdir               EPERM   EPERM   EPERM   EPERM
.archive                        rename              EPERM   EPERM   EPERM   EPERM
.archive                        chmod=0755          EPERM   EPERM   EPERM   EPERM
.archive                        chgrp=2010          EPERM   EPERM   EPERM   EPERM
.archive                        chown=2003          EPERM   EPERM   EPERM   EPERM
.archive                        touch               ok      ok      ok      ok
.archive                        setxattr            EPERM   EPERM   EPERM   ENOTSUP

.archive/gone-owner~*           list                ok      ok      EACCES  ok
.archive/gone-owner~*           search=status       ok      ok      EACCES  ok
.archive/gone-owner~*           create              EPERM   EACCES  EACCES  EPERM
.archive/gone-owner~*           mkdir               EPERM   EACCES  EACCES  EPERM
.archive/gone-owner~*           symlink             EPERM   EACCES  EACCES  EPERM
.archive/gone-owner~*           mkfifo              EPERM   EACCES  EACCES  EPERM
.archive/gone-owner~*           rename              EPERM   EPERM   EPERM   EPERM
.archive/gone-owner~*           chmod=0700          EPERM   EPERM   EPERM   EPERM
.archive/gone-owner~*           same-mode=0750      ok      EPERM   EPERM   ok
.archive/gone-owner~*           chgrp=2010          EPERM   EPERM   EPERM   EPERM
.archive/gone-owner~*           chown=2003          EPERM   EPERM   EPERM   EPERM
.archive/gone-owner~*           touch               ok      EACCES  EACCES  ok
.archive/gone-owner~*           setxattr            ENOTSUP EACCES  EACCES  ENOTSUP
.archive/gone-owner~*           unlink              EISDIR  EPERM   EPERM   EISDIR

.archive/gone-owner~*/status    read                ok      ok      EACCES  ok
.archive/gone-owner~*/status    write=x             EACCES  EACCES  EACCES  EACCES
.archive/gone-owner~*/status    append=x            EACCES  EACCES  EACCES  EACCES
.archive/gone-owner~*/status    rewrite=x           EACCES  EACCES  EACCES  EACCES
.archive/gone-owner~*/status    truncate            EACCES  EACCES  EACCES  EACCES
.archive/gone-owner~*/status    unlink              EPERM   EACCES  EACCES  EPERM
.archive/gone-owner~*/status    rename              EPERM   EACCES  EACCES  EPERM
.archive/gone-owner~*/status    link                EPERM   EPERM|EACCES EPERM|EACCES EPERM
.archive/gone-owner~*/status    chmod=0644          EPERM   EPERM   EACCES  EPERM
.archive/gone-owner~*/status    chgrp=2010          EPERM   EPERM   EACCES  EPERM
.archive/gone-owner~*/status    chown=2003          EPERM   EPERM   EACCES  EPERM
.archive/gone-owner~*/status    touch               ok      EACCES  EACCES  ok
.archive/gone-owner~*/status    setxattr            EACCES  EACCES  EACCES  ENOTSUP

.archive/gone-owner~*/ttl       read                ok      ok      EACCES  ok
.archive/gone-owner~*/ttl       write=2h            EACCES  EACCES  EACCES  EACCES
.archive/gone-owner~*/ttl       truncate            EACCES  EACCES  EACCES  EACCES
.archive/gone-owner~*/ttl       unlink              EPERM   EACCES  EACCES  EPERM
.archive/gone-owner~*/ttl       touch               ok      EACCES  EACCES  ok

.archive/gone-owner~*/env       read                ok      EACCES  EACCES  ok
.archive/gone-owner~*/env       write=A=1\n         EACCES  EACCES  EACCES  EACCES
.archive/gone-owner~*/env       chmod=0644          EPERM   EPERM   EACCES  EPERM

.archive/gone-owner~*/pod.json  read                ok      EACCES  EACCES  ok

.archive/gone-owner~*/logs      read                ok      ok      EACCES  ok
.archive/gone-owner~*/logs      append=x            EACCES  EACCES  EACCES  EACCES

.archive/gone-owner~*/deleted_by read                ok      ok      EACCES  ok
.archive/gone-owner~*/deleted_by write=x             EACCES  EACCES  EACCES  EACCES
.archive/gone-owner~*/deleted_by touch               ok      EACCES  EACCES  ok

.archive/gone-{}~*              rmdir               ok      EPERM   EPERM   ok

.weaverfs                       list                ok      ok      ok      ok
.weaverfs                       create              EACCES  EACCES  EACCES  EPERM
.weaverfs                       mkdir               EACCES  EACCES  EACCES  EPERM
.weaverfs                       symlink             EACCES  EACCES  EACCES  EPERM
.weaverfs                       mkfifo              EACCES  EACCES  EACCES  EPERM
.weaverfs                       rmdir               EPERM   EPERM   EPERM   EPERM
.weaverfs                       rename              EPERM   EPERM   EPERM   EPERM
.weaverfs                       chmod=0777          EPERM   EPERM   EPERM   EPERM
.weaverfs                       chgrp=2010          EPERM   EPERM   EPERM   EPERM
.weaverfs                       chown=2003          EPERM   EPERM   EPERM   EPERM
.weaverfs                       touch               EACCES  EACCES  EACCES  ok
.weaverfs                       setxattr            EACCES  EACCES  EACCES  ENOTSUP

.weaverfs/version               read                ok      ok      ok      ok
.weaverfs/version               write=x             EACCES  EACCES  EACCES  EACCES
.weaverfs/version               append=x            EACCES  EACCES  EACCES  EACCES
.weaverfs/version               rewrite=x           EACCES  EACCES  EACCES  EACCES
.weaverfs/version               truncate            EACCES  EACCES  EACCES  EACCES
.weaverfs/version               unlink              EACCES  EACCES  EACCES  EPERM
.weaverfs/version               rename              EACCES  EACCES  EACCES  EPERM
.weaverfs/version               link                EPERM|EACCES EPERM|EACCES EPERM|EACCES EPERM
.weaverfs/version               chmod=0666          EPERM   EPERM   EPERM   EPERM
.weaverfs/version               chgrp=2010          EPERM   EPERM   EPERM   EPERM
.weaverfs/version               chown=2003          EPERM   EPERM   EPERM   EPERM
.weaverfs/version               touch               EACCES  EACCES  EACCES  ok
.weaverfs/version               setxattr            EACCES  EACCES  EACCES  ENOTSUP

.weaverfs/errors                read                ok      ok      ok      ok
.weaverfs/errors                write=x             EACCES  EACCES  EACCES  EACCES
.weaverfs/errors                truncate            EACCES  EACCES  EACCES  EACCES

.weaverfs/reap                  read                EACCES  EACCES  EACCES  ok
.weaverfs/reap                  write=now           EACCES  EACCES  EACCES  ok
.weaverfs/reap                  truncate            EACCES  EACCES  EACCES  ok
.weaverfs/reap                  unlink              EACCES  EACCES  EACCES  EPERM
.weaverfs/reap                  chmod=0666          EPERM   EPERM   EPERM   EPERM

.weaverfs/new                   read                ok      ok      ok      ok
.weaverfs/new                   write=a\x20b\x20c\n EINVAL  EINVAL  EINVAL  EINVAL
.weaverfs/new                   truncate            ok      ok      ok      ok
.weaverfs/new                   append=a\x20b\x20c\n EINVAL  EINVAL  EINVAL  EINVAL
.weaverfs/new                   chmod=0600          EPERM   EPERM   EPERM   EPERM
.weaverfs/new                   chown=2003          EPERM   EPERM   EPERM   EPERM

.weaverfs/follow                list                ok      ok      ok      ok
.weaverfs/follow                search=events       ok      ok      ok      ok
.weaverfs/follow                create              EACCES  EACCES  EACCES  EPERM
.weaverfs/follow                mkdir               EACCES  EACCES  EACCES  EPERM
.weaverfs/follow                symlink             EACCES  EACCES  EACCES  EPERM
.weaverfs/follow                mkfifo              EACCES  EACCES  EACCES  EPERM
.weaverfs/follow                rmdir               EACCES  EACCES  EACCES  EPERM
.weaverfs/follow                rename              EACCES  EACCES  EACCES  EPERM
.weaverfs/follow                chmod=0700          EPERM   EPERM   EPERM   EPERM
.weaverfs/follow                chown=2003          EPERM   EPERM   EPERM   EPERM
.weaverfs/follow                touch               EACCES  EACCES  EACCES  ok

.weaverfs/follow/events         read                EAGAIN  EAGAIN  EAGAIN  EAGAIN
.weaverfs/follow/events         write=x             EACCES  EACCES  EACCES  EACCES
.weaverfs/follow/events         truncate            EACCES  EACCES  EACCES  EACCES
.weaverfs/follow/events         unlink              EACCES  EACCES  EACCES  EPERM
.weaverfs/follow/events         chmod=0666          EPERM   EPERM   EPERM   EPERM

.weaverfs/defaults              list                ok      ok      ok      ok
.weaverfs/defaults              search=cpu          ok      ok      ok      ok
.weaverfs/defaults              create              EACCES  EACCES  EACCES  EPERM
.weaverfs/defaults              mkdir               EACCES  EACCES  EACCES  EPERM
.weaverfs/defaults              symlink             EACCES  EACCES  EACCES  EPERM
.weaverfs/defaults              mkfifo              EACCES  EACCES  EACCES  EPERM
.weaverfs/defaults              rmdir               EACCES  EACCES  EACCES  EPERM
.weaverfs/defaults              rename              EACCES  EACCES  EACCES  EPERM
.weaverfs/defaults              chmod=0700          EPERM   EPERM   EPERM   EPERM
.weaverfs/defaults              chown=2003          EPERM   EPERM   EPERM   EPERM
.weaverfs/defaults              touch               EACCES  EACCES  EACCES  ok
.weaverfs/defaults              setxattr            EACCES  EACCES  EACCES  ENOTSUP

.weaverfs/defaults/cpu          read                ok      ok      ok      ok
.weaverfs/defaults/cpu          write=1             EACCES  EACCES  EACCES  ok
.weaverfs/defaults/cpu          append=1            EACCES  EACCES  EACCES  ok
.weaverfs/defaults/cpu          rewrite=1           EACCES  EACCES  EACCES  ok
.weaverfs/defaults/cpu          truncate            EACCES  EACCES  EACCES  ok
.weaverfs/defaults/cpu          unlink              EACCES  EACCES  EACCES  EPERM
.weaverfs/defaults/cpu          rename              EACCES  EACCES  EACCES  EPERM
.weaverfs/defaults/cpu          link                EPERM|EACCES EPERM|EACCES EPERM|EACCES EPERM
.weaverfs/defaults/cpu          chmod=0666          EPERM   EPERM   EPERM   EPERM
.weaverfs/defaults/cpu          chgrp=2010          EPERM   EPERM   EPERM   EPERM
.weaverfs/defaults/cpu          chown=2003          EPERM   EPERM   EPERM   EPERM
.weaverfs/defaults/cpu          touch               EACCES  EACCES  EACCES  ok
.weaverfs/defaults/cpu          setxattr            EACCES  EACCES  EACCES  ENOTSUP

.weaverfs/defaults/env          read                EACCES  EACCES  EACCES  ok
.weaverfs/defaults/env          append=A=1\n        EACCES  EACCES  EACCES  ok
.weaverfs/defaults/env          truncate            EACCES  EACCES  EACCES  ok
END
