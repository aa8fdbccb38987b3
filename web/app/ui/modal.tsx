/** A modal dialog on the platform's own element: focus stays inside and returns on close. */
import { useEffect, useRef, type MouseEvent, type ReactNode } from 'react';

interface ModalProps {
  readonly label: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Modal({ label, onClose, children }: ModalProps): ReactNode {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  const closeOnBackdrop = (event: MouseEvent): void => {
    if (event.target === ref.current) onClose();
  };
  return (
    // The backdrop is part of the dialog element; Escape is its keyboard equivalent.
    <dialog
      ref={ref}
      className="modal"
      aria-label={label}
      onClose={onClose}
      onClick={closeOnBackdrop}
    >
      <div className="modal-body">{children}</div>
    </dialog>
  );
}
